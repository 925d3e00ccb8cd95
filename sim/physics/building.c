#include "sim/physics/building.h"

#define EMITTER_J_K   420e3 /* 75 l of water and the steel around it */
#define EMITTER_W_K   235.0 /* emission per K over the room */
#define ROOM_J_K      2.4e7 /* air, plaster, furniture and the inner shell */
#define ROOM_LOSS_W_K 195.0 /* walls, windows, ventilation */

void building_init(struct building *b, double outside_degc)
{
    b->room_degc = outside_degc > 20.5 ? outside_degc : 20.5;
    b->emitter_degc = b->room_degc + 2.0;
}

void building_step(struct building *b, double water_w, double flow_degc, double outside_degc,
                   double gains_w)
{
    double surface_degc = water_w == 0.0 ? b->emitter_degc : 0.5 * (flow_degc + b->emitter_degc);
    double emitted_w = EMITTER_W_K * (surface_degc - b->room_degc);
    double lost_w = ROOM_LOSS_W_K * (b->room_degc - outside_degc);

    b->emitter_degc += (water_w - emitted_w) / EMITTER_J_K;
    b->room_degc += (emitted_w + gains_w - lost_w) / ROOM_J_K;
}
