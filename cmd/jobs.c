/* jobs.c - see jobs.h. */
#include "cmd/jobs.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COPY_BYTES = 1 << 16 };

/* What a job tells its parent, in memory of both. */
struct job_report {
    bool finished;
    ft_status status;
    struct ft_error error;
};

struct job {
    pid_t process; /* 0: it has ended */
    int wait_status;
    int result; /* a file in memory; -1: none */
    struct job_report *report;
    struct job_tally tally;
};

struct jobs {
    size_t most_running, running;
    size_t room, first, used; /* a ring */
    struct job_report *reports;
    struct job *ring;
};

ft_status jobs_new(struct jobs **out, size_t count, struct ft_error *error)
{
    struct jobs *jobs = *out = calloc(1, sizeof *jobs);
    if (!jobs)
        return ft_nomem(error, "jobs");
    signal(SIGCHLD, SIG_DFL); /* ignored, it would hide how jobs end */
    jobs->most_running = count;
    jobs->room = 2 * count;
    jobs->ring = calloc(jobs->room, sizeof *jobs->ring);
    jobs->reports =
        mmap(NULL, jobs->room * sizeof *jobs->reports, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (jobs->reports == MAP_FAILED)
        jobs->reports = NULL;
    for (size_t i = 0; jobs->ring && i < jobs->room; i++) {
        jobs->ring[i].result = -1;
        jobs->ring[i].report = jobs->reports + i;
    }
    if (jobs->ring && jobs->reports)
        return FT_OK;
    jobs_free(jobs);
    *out = NULL;
    return ft_nomem(error, "jobs");
}

void jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    for (size_t i = 0; jobs->ring && i < jobs->room; i++) {
        struct job *job = &jobs->ring[i];
        if (job->process) {
            kill(job->process, SIGKILL);
            while (waitpid(job->process, NULL, 0) < 0 && errno == EINTR)
                ;
        }
        if (job->result >= 0)
            close(job->result);
    }
    if (jobs->reports)
        munmap(jobs->reports, jobs->room * sizeof *jobs->reports);
    free(jobs->ring);
    free(jobs);
}

static struct job *job_at(const struct jobs *jobs, size_t place)
{
    return &jobs->ring[(jobs->first + place) % jobs->room];
}

/* Notes which jobs have ended; waits until one has where `wait` is set. Children that the process had before it became
 * this program are nobody's any more. */
static void note_ended(struct jobs *jobs, bool wait)
{
    for (;;) {
        int wait_status;
        pid_t process = waitpid(-1, &wait_status, wait ? 0 : WNOHANG);
        if (process < 0 && errno == EINTR)
            continue;
        if (process <= 0)
            return;
        for (size_t i = 0; i < jobs->used; i++) {
            struct job *job = job_at(jobs, i);
            if (job->process != process)
                continue;
            job->process = 0;
            job->wait_status = wait_status;
            jobs->running--;
            wait = false;
        }
    }
}

/* The job itself; does not return. */
static _Noreturn void work_and_leave(struct job *job, pid_t parent, job_work *work, void *argument)
{
    struct output *output = NULL;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) /* it has died meanwhile */
        _exit(FT_FAILED);
    ft_status status = output_open_descriptor(&output, job->result, "the result of a job", &job->report->error);
    if (status == FT_OK)
        status = work(argument, output, &job->report->error);
    if (status == FT_OK)
        status = output_flush(output, &job->report->error);
    job->report->status = status;
    job->report->finished = true;
    _exit(FT_OK);
}

ft_status jobs_start(struct jobs *jobs, job_work *work, void *argument, const struct job_tally *tally,
                     struct ft_error *error)
{
    note_ended(jobs, false);
    while (jobs->running == jobs->most_running)
        note_ended(jobs, true);
    struct job *job = job_at(jobs, jobs->used);
    pid_t parent = getpid();
    job->result = memfd_create("flairtag", MFD_CLOEXEC);
    if (job->result < 0)
        return ft_fail(error, FT_FAILED, "cannot start a job: %s", strerror(errno));
    *job->report = (struct job_report){0};
    job->tally = *tally;
    job->process = fork();
    if (!job->process)
        work_and_leave(job, parent, work, argument);
    if (job->process < 0) {
        int code = errno;
        job->process = 0;
        close(job->result);
        job->result = -1;
        return ft_fail(error, FT_NOMEM, "cannot start a job: %s (--jobs takes fewer)", strerror(code));
    }
    jobs->running++;
    jobs->used++;
    return FT_OK;
}

bool jobs_have_room(const struct jobs *jobs)
{
    return jobs->used < jobs->room;
}

bool jobs_are_left(const struct jobs *jobs)
{
    return jobs->used;
}

bool jobs_first_is_done(struct jobs *jobs)
{
    note_ended(jobs, false);
    return jobs->used && !job_at(jobs, 0)->process;
}

static ft_status status_of(const struct job *job, struct ft_error *error)
{
    if (job->report->finished && job->report->status == FT_OK)
        return FT_OK;
    if (job->report->finished) {
        if (error)
            *error = job->report->error;
        return job->report->status;
    }
    if (WIFSIGNALED(job->wait_status))
        return ft_fail(error, FT_FAILED, "a job was killed by signal %d (%s)", WTERMSIG(job->wait_status),
                       strsignal(WTERMSIG(job->wait_status)));
    int code = WEXITSTATUS(job->wait_status);
    return ft_fail(error, code == FT_INTERRUPTED ? FT_INTERRUPTED : FT_FAILED, "a job ended early, with status %d",
                   code);
}

static ft_status copy_result(const struct job *job, struct output *output, struct ft_error *error)
{
    char bytes[COPY_BYTES];
    for (off_t at = 0;;) {
        ssize_t got = pread(job->result, bytes, sizeof bytes, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ft_fail(error, FT_FAILED, "cannot read the result of a job: %s", strerror(errno));
        if (!got)
            return FT_OK;
        ft_status status = output_write(output, bytes, (size_t)got, error);
        if (status)
            return status;
        at += got;
    }
}

ft_status jobs_take(struct jobs *jobs, struct output *output, struct job_tally *tally, struct ft_error *error)
{
    struct job *job = job_at(jobs, 0);
    while (job->process)
        note_ended(jobs, true);
    ft_status status = status_of(job, error);
    if (status == FT_OK)
        status = copy_result(job, output, error);
    *tally = job->tally;
    close(job->result);
    job->result = -1;
    jobs->first = (jobs->first + 1) % jobs->room;
    jobs->used--;
    return status;
}
