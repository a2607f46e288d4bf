/* harness.h - a test program in three lines: tests are Check's, and each may name a file or folder without which it is
 * skipped (the reference data that lies outside the repository, for instance).
 *
 *     int main(void)
 *     {
 *         test_add(a_test, NULL);
 *         test_add(another_test, shared_path("golden/words"));
 *         return test_run("words");
 *     }
 */
#ifndef UNIT_HARNESS_H
#define UNIT_HARNESS_H
#include <check.h>

/* A path inside the reference data ($FLAIRTAG_SHARED, else ../shared). The string lives to the end of the program. */
const char *shared_path(const char *relative);

/* Tests whose names match the pattern $FLAIRTAG_LEFT_OUT are left out. */
void test_add(const TTest *test, const char *needs);

/* Runs all, prints "NAME: N passed, N failed, N skipped", returns the exit code. */
int test_run(const char *name);

#endif
