/*
 * log_query.h: `heatwatt log query`: the answers of GET /api/v1/query without a daemon, by the same
 * code (daemon/http/plan.h, rows.h, sheet.h, table.h).
 */
#ifndef DAEMON_CLI_LOG_QUERY_H
#define DAEMON_CLI_LOG_QUERY_H

int log_query_main(int argc, char **argv);

#endif
