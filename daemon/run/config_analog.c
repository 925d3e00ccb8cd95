/* analog sources: what they deliver, and what goes with what. */
#include <string.h>

#include "daemon/drivers/analog.h"
#include "daemon/run/config_bind.h"

void config_make_analog(struct config_build *b, struct config_source *s)
{
    static const uint8_t temperatures[] = {HWT_Q_FLOW_T, HWT_Q_RETURN_T, HWT_Q_TEMPERATURE};

    s->quantities = 0;
    if (s->analog_flow[0] != '\0') {
        s->delivers[s->quantities++] = HWT_Q_FLOW_RATE;
    }
    if (s->analog_t[0] != '\0') {
        s->delivers[s->quantities++] = temperatures[s->analog_t_is];
    }
    if (s->quantities == 0) {
        config_complain(b, s->analog_flow, "flow", "is required, or temperature");
        b->unsure = true;
    }
}

static void check_points(struct config_build *b, const struct config_calibration *points,
                         unsigned count, const char *name)
{
    if (count == 1) {
        config_complain(b, points, name, "is of the only point, but a calibration needs two");
    } else if (count == 2 && config_given(b, &points[0].reads) &&
               config_given(b, &points[1].reads) && points[1].reads <= points[0].reads) {
        config_complain(b, &points[1].reads, "reads", "%g does not rise above the point before, %g",
                        points[1].reads, points[0].reads);
    }
}

void config_check_analog(struct config_build *b, const struct config_source *s)
{
    struct config_nearest nearest;

    config_nearest_init(&nearest, s->analog_sensor);
    for (size_t i = 0; i < analog_sensor_count; i++) {
        config_nearest_offer(&nearest, analog_sensors[i].name);
    }
    if (config_given(b, s->analog_sensor) && analog_sensor_find(s->analog_sensor) == NULL) {
        config_complain(b, s->analog_sensor, "sensor", "\"%s\" is not known, did you mean %s?",
                        s->analog_sensor,
                        nearest.best != NULL ? nearest.best : analog_sensors[0].name);
    }
    check_points(b, s->flow_points, s->flow_point_count, "flow_calibration");
    check_points(b, s->t_points, s->t_point_count, "temperature_calibration");
    if (s->analog_flow[0] != '\0' && strcmp(s->analog_flow, s->analog_t) == 0) {
        config_complain(b, s->analog_t, "temperature", "is the same file as flow");
    }
}
