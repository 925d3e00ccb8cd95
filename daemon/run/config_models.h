/*
 * config_models.h: models of current clamps and voltage sensors: what they deliver, how far they
 * lead.
 *
 *   data/ct, data/vt, in the program ─┐
 *                                     ├▶ struct config_sensor_model ──ct: NAME──▶ ratio, phase,
 * curve ct_models:, vt_models: of the ────┘                                          of an input
 *   configuration
 *
 * Both are of one shape (docs/CONFIG.md). Names are exact. Phases are kept at 50 Hz, whatever the
 * frequency they were measured at.
 */
#ifndef DAEMON_RUN_CONFIG_MODELS_H
#define DAEMON_RUN_CONFIG_MODELS_H

#include "daemon/run/config.h"

struct config_build;

/* A clamp or a voltage sensor of this exact name, the configuration's own first; NULL: none. Either
 * set may be NULL. */
const struct config_sensor_model *config_model_find(const struct config_models *own,
                                                    const struct config_models *built_in,
                                                    bool clamp, const char *name);

/* Those that come with the program, to be freed with free(). NULL: no memory. */
struct config_models *config_models_built_in(void);

/* The smallest and the largest lead of a model, degrees at 50 Hz; false: it is not known. */
bool config_model_lead(const struct config_sensor_model *m, double *least_out, double *most_out);

#endif
