#include "sim/devices/mbus_meter.h"

#include <string.h>

#include "sim/devices/heat_telegram.h"

static size_t send_data(struct mbus_meter *m, uint8_t *reply)
{
    struct mbus_frame frame;

    heat_telegram_build(&frame, m->meter, m->address, m->access++, m->now_s);
    memcpy(reply, frame.bytes, frame.len);
    m->sent = m->meter->display;
    m->sent_s = m->now_s;
    return frame.len;
}

size_t mbus_meter_answer(void *ctx, const struct mbus_request *request, uint8_t *reply)
{
    struct mbus_meter *m = ctx;
    uint8_t c = (uint8_t)(request->c & ~MBUS_FCB);
    bool reset = request->len >= 1 && request->data[0] == MBUS_CI_RESET;

    if (request->a != m->address && request->a != MBUS_ADDRESS_TEST) {
        return 0;
    }
    if (request->data == NULL && c == MBUS_REQ_UD2) {
        return send_data(m, reply);
    }
    if ((request->data == NULL && request->c == MBUS_SND_NKE) || (c == MBUS_SND_UD && reset)) {
        reply[0] = MBUS_ACK;
        return 1;
    }
    return 0;
}
