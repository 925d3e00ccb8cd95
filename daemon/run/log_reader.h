/*
 * log_reader.h: the log as publishers read it (daemon/publish/log_source.h), by snapshots of the
 * store.
 */
#ifndef DAEMON_RUN_LOG_READER_H
#define DAEMON_RUN_LOG_READER_H

#include "daemon/publish/log_source.h"
#include "daemon/store/store.h"

/* A source of the store's streams; the store must outlive its readers. */
struct log_source log_reader_source(struct store *store);

#endif
