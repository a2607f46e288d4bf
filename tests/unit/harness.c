/* harness.c - see harness.h. */
#include "harness.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static TCase *tests;
static int skipped;

const char *shared_path(const char *relative)
{
    const char *root = getenv("FLAIRTAG_SHARED");
    static char pool[64][512];
    static int used;
    char *path = pool[used++ % 64];
    snprintf(path, sizeof pool[0], "%s/%s", root ? root : "../shared", relative);
    return path;
}

void test_add(const TTest *test, const char *needs)
{
    if (!tests) {
        tests = tcase_create("all");
        tcase_set_timeout(tests, 600);
    }
    if (needs && access(needs, R_OK)) {
        printf("skipped: %s needs %s\n", test->name, needs);
        skipped++;
        return;
    }
    const char *left_out = getenv("FLAIRTAG_LEFT_OUT");
    if (left_out && fnmatch(left_out, test->name, 0) == 0) {
        skipped++;
        return;
    }
    tcase_add_test(tests, test);
}

int test_run(const char *name)
{
    if (!tests)
        tests = tcase_create("all");
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    int passed = srunner_ntests_run(runner) - failed;
    srunner_free(runner);
    printf("%s: %d passed, %d failed, %d skipped\n", name, passed, failed, skipped);
    return failed ? 1 : 0;
}
