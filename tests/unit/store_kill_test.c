/*
 * daemon/store: a writer that is killed (SIGKILL) at any time, over and over, on the same log. What
 * it acknowledged before is told through a pipe by the store itself, from committed(). The next
 * writer goes on where the log ends.
 *
 * usage: store_kill_test [-n KILLS] [-s SEED]    20 kills; each place of a log gets so many
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/log/store_rig.h"

enum {
    LIVES = 50,     /* of one log; then a new one, or checking it would take ever longer */
    LOOK_BACK = 300 /* records before the new ones that are checked after each life, too */
};

static uint64_t seed;
static unsigned kills = 20;
static int child_pipe;

static void tell_parent(void *ctx, uint64_t durable)
{
    (void)ctx;
    if (write(child_pipe, &durable, sizeof(durable)) != sizeof(durable)) {
        _exit(1);
    }
}

/* In bursts, so that commits of one record and of hundreds come. */
static void write_for_ever(struct rig *f, uint64_t from, struct rng *rng)
{
    struct store_options o = rig_options(f);
    struct store_counters c;
    char error[256];
    struct store *s;

    o.committed = tell_parent;
    s = store_open(&o, error, sizeof(error));
    if (s == NULL) {
        _exit(1);
    }
    for (uint64_t i = from;;) {
        uint64_t burst = rng_below(rng, 4) == 0 ? 200 : 1 + rng_below(rng, 10);

        rig_push(f, s, i, i + burst - 1);
        i += burst;
        do { /* on a slow disk the queue would run over */
            rig_pause_ms(rng_below(rng, 2));
            store_counters(s, &c);
        } while (c.waiting > 500);
    }
}

/* Starts a writer, kills it. The newest record it acknowledged. */
static uint64_t one_life(struct rig *f, uint64_t from, struct rng *rng)
{
    uint64_t acknowledged = 0, told;
    struct rng child = {rng_next(rng)};
    int fds[2], status;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        child_pipe = fds[1];
        write_for_ever(f, from, &child);
    }
    close(fds[1]);
    if (rng_below(rng, 3) > 0) { /* else perhaps while it still opens the log */
        assert_int_equal(poll(&(struct pollfd){.fd = fds[0], .events = POLLIN}, 1, 10000), 1);
    }
    rig_pause_ms(rng_below(rng, 25));
    kill(pid, SIGKILL);
    while (read(fds[0], &told, sizeof(told)) == sizeof(told)) {
        acknowledged = told;
    }
    close(fds[0]);
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    return acknowledged;
}

static uint64_t first_kept(struct rig *f, struct store *s)
{
    struct hwt_stream_info info;

    store_snapshot(s, &f->snapshot);
    assert_int_equal(hwt_tslog_stream_info(&f->snapshot, 0, &info), 0);
    return info.first;
}

/* What is durable now; it was `last` before this life. */
static uint64_t check_log(struct rig *f, uint64_t last, uint64_t acknowledged, bool all)
{
    struct store *s = rig_open(f);
    struct store_counters c;
    uint64_t from = first_kept(f, s);

    store_counters(s, &c);
    if (c.durable < acknowledged || c.durable < last) {
        fail_msg("%llu acknowledged, %llu there", (unsigned long long)acknowledged,
                 (unsigned long long)c.durable);
    }
    assert_int_equal(c.bad_pages, 0);
    assert_true(from <= last + 1);
    if (!all && last > LOOK_BACK && last - LOOK_BACK > from) {
        from = last - LOOK_BACK;
    }
    rig_check_from(f, s, from, c.durable);
    store_close(s);
    return c.durable;
}

static void killed_writers_lose_nothing_they_acknowledged(void **state)
{
    struct rng rng = {seed};
    bool on_partition = ((struct rig *)*state)->partition[0] != '\0';
    uint64_t records = 0, acknowledgements = 0;

    for (unsigned done = 0; done < kills;) {
        struct rig *f = *state;
        uint64_t last = 0;

        for (unsigned i = 0; i < LIVES && done < kills; i++, done++) {
            uint64_t acknowledged = one_life(f, last + 1, &rng);

            acknowledgements += acknowledged > last;
            last = check_log(f, last, acknowledged, i + 1 == LIVES || done + 1 == kills);
        }
        records += last;
        rig_teardown(state);
        assert_int_equal(on_partition ? rig_setup_partition(state) : rig_setup(state), 0);
    }
    print_message("# %llu records in %u lives, of which %llu acknowledged some\n",
                  (unsigned long long)records, kills, (unsigned long long)acknowledgements);
    assert_true(acknowledgements > kills / 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        {"killed_writers_lose_nothing_they_acknowledged_in_a_folder",
         killed_writers_lose_nothing_they_acknowledged, rig_setup, rig_teardown, NULL},
        {"killed_writers_lose_nothing_they_acknowledged_on_a_partition",
         killed_writers_lose_nothing_they_acknowledged, rig_setup_partition, rig_teardown, NULL},
    };

    seed = gen_seed(argc, argv);
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "-n") == 0) {
            kills = (unsigned)strtoul(argv[i + 1], NULL, 0);
        }
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
