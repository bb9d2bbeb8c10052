/* A device that speaks Modbus TCP by libmodbus. Prints its port; listens on the one that it is given. */
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

enum { DEAF = 50 };

int main(int argc, char **argv)
{
    static const uint16_t held[] = {
        4711, 0xFFFB,                   /* 0, 1: uint16, int16 */
        0x42F7, 0x0000, 0x0000, 0x42F7, /* 2, 4: 123.5 as float32, and with its words the other way round */
        0xF742, 0x0000,                 /* 6: 123.5 with the bytes of each word the other way round */
        0xFFFF, 0xFFFE,                 /* 8: int32 -2 */
        0xBFE0, 0x0000, 0x0000, 0x0000, /* 10: float64 -0.5 */
        0x3030, 0x3432, 0x0000, 0x0000, /* 14: "0042" */
        0x1122, 0x3344, 0x0008,         /* 18: uint32, 20: bit 3 */
    };
    modbus_t *device = modbus_new_tcp("127.0.0.1", atoi(argv[1]));
    modbus_mapping_t *map = modbus_mapping_new(16, 16, 100, 10);
    struct sockaddr_in at;
    socklen_t length = sizeof at;
    int listening = modbus_tcp_listen(device, 8), most = listening;
    fd_set all;

    if (argc < 2 || map == NULL || listening < 0)
        return 1;
    memcpy(map->tab_registers, held, sizeof held);
    map->tab_bits[3] = map->tab_input_bits[4] = 1;
    getsockname(listening, (struct sockaddr *)&at, &length);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    FD_ZERO(&all);
    FD_SET(listening, &all);
    for (;;) {
        fd_set ready = all;
        if (select(most + 1, &ready, NULL, NULL, NULL) < 0)
            return 1;
        for (int one = 0; one <= most; one++) {
            uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
            struct timespec now;
            int size;
            if (!FD_ISSET(one, &ready))
                continue;
            if (one == listening) {
                int fresh = accept(listening, NULL, NULL);
                if (fresh >= 0 && fresh < FD_SETSIZE) {
                    FD_SET(fresh, &all);
                    most = fresh > most ? fresh : most;
                }
                continue;
            }
            modbus_set_socket(device, one);
            size = modbus_receive(device, query);
            if (size < 0) {
                close(one);
                FD_CLR(one, &all);
                continue;
            }
            clock_gettime(CLOCK_MONOTONIC, &now);
            uint32_t clock = (uint32_t)(now.tv_sec * 1000ULL + now.tv_nsec / 1000000);
            map->tab_input_registers[0] = clock >> 16;
            map->tab_input_registers[1] = clock & 0xFFFF;
            modbus_reply(device, query, size, map);
            map->tab_registers[DEAF] = 0;
        }
    }
}
