#!/bin/sh
# flairtag under Slurm (cmd/slurm): slurmctld and slurmd run on this machine, with folders and ports of their own, for
# as long as this takes. An array job must write what one run writes: undisturbed, with tasks requeued and killed in the
# middle of their work, and with a join that is run again. Skipped where Slurm and munge are not installed, or not as
# root.
cd "$(dirname "$0")/.." || exit 1
ROOT=$PWD
build=$(cd "${BUILD:-build}" && pwd) || exit 1
for program in slurmctld slurmd sbatch munged setpriv; do
    command -v $program >/dev/null && [ "$(id -u)" = 0 ] && continue
    echo "skipped: needs root, slurm-wlm and munge"
    echo "slurm: 0 passed, 0 failed, 1 skipped"
    exit 0
done
FLAIRTAG=$build/flairtag FLAIRTAG_MODELS=$ROOT/models LC_ALL=C.UTF-8
array=$ROOT/cmd/slurm/flairtag-array.sh
scratch=$(mktemp -d) || exit 1
chmod 755 "$scratch"
SLURM_CONF=$scratch/slurm.conf
export FLAIRTAG FLAIRTAG_MODELS LC_ALL SLURM_CONF
cd "$scratch" || exit 1
passed=0 failed=0

# stop NAME: the daemon whose number is in NAME.pid.
stop() {
    [ -s "$1.pid" ] || return
    pid=$(cat "$1.pid")
    kill "$pid" 2>/dev/null
    for i in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || return
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null
}

clean_up() {
    scancel --user="$(id -un)" 2>/dev/null
    sleep 0.5
    stop slurmd
    stop slurmctld
    stop munged
    cd /
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

check() {
    if eval "$2"; then
        passed=$((passed + 1))
    else
        echo "failed: $1"
        failed=$((failed + 1))
    fi
}

# A munge of its own: another socket, another key.
mkdir munge state spool
dd if=/dev/urandom of=munge/key bs=128 count=1 2>/dev/null
chmod 400 munge/key
chmod 755 munge
chown -R munge: munge
touch munged.pid && chown munge: munged.pid
setpriv --reuid=munge --regid=munge --init-groups munged --socket="$scratch/munge/socket" \
    --key-file="$scratch/munge/key" --pid-file="$scratch/munge/munged.pid" \
    --log-file="$scratch/munge/log" --seed-file="$scratch/munge/seed" ||
    { echo "slurm: 0 passed, 1 failed, 0 skipped" && exit 1; }
rm -f munged.pid && ln -s munge/munged.pid munged.pid
host=$(hostname -s)
cat >slurm.conf <<END
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=${FLAIRTAG_SLURM_PORT:-16817}
SlurmdPort=$((${FLAIRTAG_SLURM_PORT:-16817} + 1))
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$scratch/munge/socket
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$scratch/state
SlurmdSpoolDir=$scratch/spool
SlurmctldPidFile=$scratch/slurmctld.pid
SlurmdPidFile=$scratch/slurmd.pid
SlurmctldLogFile=$scratch/slurmctld.log
SlurmdLogFile=$scratch/slurmd.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=1,sched_interval=2
ReturnToService=2
MinJobAge=600
SlurmdParameters=config_overrides
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=p Nodes=$host Default=YES State=UP
END
slurmctld 2>>daemons && slurmd 2>>daemons
for i in $(seq 100); do
    [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && break
    sleep 0.2
done
if [ "$(sinfo -h -o %t)" != idle ]; then
    cat daemons slurmctld.log slurmd.log
    echo "slurm: 0 passed, 1 failed, 0 skipped"
    exit 1
fi

# state JOB: one word, of a task too.
state() {
    scontrol -o show job "$1" 2>/dev/null | sed -nE 's/.* JobState=([A-Z_]+) .*/\1/p' | head -n 1
}

# ended JOB: waits; its state is then in $state.
ended() {
    for i in $(seq 600); do
        state=$(state "$1")
        case $state in PENDING | RUNNING | COMPLETING | CONFIGURING | SUSPENDED) sleep 0.2 ;; *) return ;; esac
    done
}

# under_way JOB PART: waits until the task has tagged something that it could go on from, and has not finished.
under_way() {
    for i in $(seq 600); do
        [ -s "$2.part.state" ] && return
        sleep 0.05
    done
    echo "never under way: $1" >&2
    return 1
}

# begin TASKS OUTPUT: submits; $job tags and $join joins. Little memory makes many small windows, and with them many
# places from which a task can go on.
begin() {
    set -- "$("$array" "$1" -o "$2" --checkpoint-seconds 0 --max-mem 30M text.txt)"
    job=${1%% *} join=$(echo "$1" | sed -E 's/.*, ([0-9]+) joins.*/\1/')
}

# restart TASK: a task that was requeued is held back for two minutes unless told otherwise.
restart() {
    for i in $(seq 100); do
        [ "$(state "$1")" = PENDING ] && break
        sleep 0.1
    done
    for i in $(seq 20); do
        scontrol update jobid="$1" starttime=now && return
        sleep 0.5
    done
}

awk -v count="${FLAIRTAG_SLURM_LINES:-8000}" 'BEGIN {
    split("Mira Jan Tolvanen Port Ellery Halcyon Veldmark Post bought landed in at the of and Berlin Acme left new old",
        word)
    srand(4)
    for (i = 0; i < count; i++) {
        line = ""
        for (n = 4 + int(rand() * 16); n; n--) line = line word[1 + int(rand() * 22)] " "
        print line i "."
    }
}' >text.txt
"$FLAIRTAG" predict --threads 1 -o expected text.txt

begin 5 plain
ended "$join"
check "the bytes of one run" 'cmp plain expected'
check "no parts are left" '[ ! -e plain.parts ] && [ ! -e plain.parts.joined ]'

# One task is requeued while it runs, as by preemption; one is killed, fails, and is requeued then.
begin 3 disturbed
under_way "${job}_0" disturbed.parts/1
check "a task is requeued" 'scontrol requeue "${job}_0"'
at_requeue=$(stat -c %s disturbed.parts/1.part 2>/dev/null || stat -c %s disturbed.parts/1)
under_way "${job}_2" disturbed.parts/3
scancel --signal=KILL --full "${job}_2"
ended "${job}_2"
killed=$state # CANCELLED or FAILED, as Slurm sees it
at_kill=$(stat -c %s disturbed.parts/3.part)
check "a task is killed" '[ "$killed" != COMPLETED ] && [ ! -e disturbed.parts/3 ]'
scontrol requeue "${job}_2"
restart "${job}_0"
restart "${job}_2"
ended "${job}_0"
ended "${job}_2"
restarts=$(for task in 0 2; do
    scontrol -o show job "${job}_$task" | sed -nE 's/.* Restarts=([0-9]+) .*/\1/p'
done | tr '\n' ' ')
ended "$join"
echo "disturbed: requeued at $at_requeue bytes, killed ($killed) at $at_kill, of $(stat -c %s expected) in 3 parts;" \
    "restarts: $restarts"
check "both tasks were run twice" '[ "$restarts" = "1 1 " ]'
check "requeued and killed tasks go on: the bytes of one run" 'cmp disturbed expected'
check "they left no parts" '[ ! -e disturbed.parts ]'

# A task that failed for good: the join says what is missing, and the same submission does what is left.
begin 3 again
under_way "${job}_1" again.parts/2
scancel "${job}_1"
ended "$join"
check "a join without all parts fails" '[ "$state" = FAILED ] && [ ! -e again ]'
check "it says which are missing" 'grep -q "these are not whole: 2 (submit" "slurm-$join.out"'
part=$(stat -c %i-%Y again.parts/1)
begin 3 again
ended "${job}_0"
check "a part that is whole is not made again" '[ "$part" = "$(stat -c %i-%Y again.parts/1)" ]'
ended "$join"
check "the same submission does what is left" 'cmp again expected'

# The join itself is killed or run again.
mkdir -p joined.parts
for i in 1 2 3; do
    "$FLAIRTAG" predict --threads 1 --shard $i/3 -o joined.parts/$i text.txt
done
echo 'parts: 3' >joined.parts/command
echo half >joined.parts/whole
sbatch --wait "$array" -o joined >/dev/null
check "a join that was killed in the middle is made anew" 'cmp joined expected && [ ! -e joined.parts ]'
mkdir joined.parts.joined
sbatch --wait "$array" -o joined >/dev/null
check "a join that was killed at its end has nothing to do" \
    '[ $? = 0 ] && cmp joined expected && [ ! -e joined.parts.joined ]'

"$array" -o plain text.txt >usage 2>&1
check "outside of a job the number of tasks is wanted" \
    '[ $? = 2 ] && grep -q "the number of tasks is wanted first" usage'

# Parts of another command are not mixed in.
mkdir other.parts
echo 'parts: 3' >other.parts/command
sbatch --wait --array=0-2 "$array" -o other text.txt >sbatch.out
check "another command's parts are refused" '[ $? = 2 ] && grep -q "holds the parts of another command" \
    "slurm-$(sed "s/.* //" sbatch.out)_1.out" && [ "$(ls other.parts)" = command ]'

echo "slurm: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
