/* Many subscribers in one process, with as little work as possible for each message: the load shares the machine.
 *
 * live_client PORT COUNT < frames: the three lines that each subscriber sends - the request line and headers (with |
 * for a line break), its connection_init and its subscribe. Says "ready" when all have subscribed. Then, for each line
 * "MESSAGES START" (START in nanoseconds of the monotonic clock), waits until every subscriber has got so many messages
 * and says "LAST P50 P99": when the last one came, and after how many nanoseconds the messages came, counted from START.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 65536, BUFFER = 1 << 16, BATCH = 256 };

struct subscriber {
    int fd;
    unsigned char head[14]; /* of a frame that has not come as a whole */
    int head_length;
    uint64_t body_left;
    char control[128]; /* body of a frame that is no message */
    size_t control_length;
    long messages;
};

static struct subscriber *subscribers;
static uint64_t *times;
static size_t times_count, times_max;
static uint64_t start;

static void fail(const char *what) { perror(what); exit(1); }

static uint64_t now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static void send_all(int fd, const void *data, size_t length) {
    const char *from = data;
    while (length > 0) {
        ssize_t sent = send(fd, from, length, MSG_NOSIGNAL);
        if (sent <= 0) fail("send");
        from += sent;
        length -= (size_t)sent;
    }
}

/* A masked frame; the mask is zero, so that the text stands as it is. */
static void send_frame(int fd, int opcode, const char *text, size_t length) {
    unsigned char head[8] = {(unsigned char)(0x80 | opcode)};
    size_t size = 2;
    if (length < 126) head[1] = (unsigned char)(0x80 | length);
    else {
        head[1] = 0x80 | 126;
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        size = 4;
    }
    unsigned char zero[4] = {0};
    send_all(fd, head, size);
    send_all(fd, zero, 4);
    send_all(fd, text, length);
}

static void message(struct subscriber *one, int opcode, uint64_t at) {
    if (opcode == 8) { fprintf(stderr, "a socket was closed\n"); exit(1); }
    if (opcode == 9) send_frame(one->fd, 10, one->control, one->control_length);
    if (opcode != 1) return;
    one->messages++;
    if (times_count < times_max) times[times_count++] = at - start;
}

static int head_size(const struct subscriber *one) {
    if (one->head_length < 2) return 2;
    int length = one->head[1] & 0x7f;
    return length == 126 ? 4 : length == 127 ? 10 : 2;
}

static void feed(struct subscriber *one, const unsigned char *data, size_t length, uint64_t at) {
    while (length > 0) {
        if (one->body_left == 0) {
            one->head[one->head_length++] = *data++;
            length--;
            if (one->head_length < 2 || one->head_length < head_size(one)) continue;
            uint64_t body = one->head[1] & 0x7f;
            if (body >= 126) {
                body = 0;
                for (int i = 2; i < one->head_length; i++) body = body << 8 | one->head[i];
            }
            one->body_left = body;
        }
        uint64_t part = one->body_left < length ? one->body_left : length;
        one->body_left -= part;
        if ((one->head[0] & 0x08) != 0) {
            memcpy(one->control + one->control_length, data, part);
            one->control_length += part;
        }
        data += part;
        length -= part;
        if (one->body_left == 0) {
            one->head_length = 0;
            message(one, one->head[0] & 0x0f, at);
            one->control_length = 0;
        }
    }
}

static void receive(struct subscriber *one) {
    static unsigned char buffer[BUFFER];
    ssize_t got = recv(one->fd, buffer, sizeof buffer, 0);
    if (got <= 0) fail("recv");
    feed(one, buffer, (size_t)got, now());
}

static void open_one(struct subscriber *one, int port, const char *request, const char *init, const char *subscribe) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    one->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (one->fd < 0 || connect(one->fd, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
    int on = 1;
    setsockopt(one->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    send_all(one->fd, request, strlen(request));
    char answer[4096];
    size_t length = 0;
    do {
        if (recv(one->fd, answer + length, 1, 0) != 1 || ++length + 1 >= sizeof answer) fail("handshake");
        answer[length] = 0;
    } while (length < 4 || strcmp(answer + length - 4, "\r\n\r\n") != 0);
    if (strncmp(answer, "HTTP/1.1 101", 12) != 0) { fputs(answer, stderr); exit(1); }
    send_frame(one->fd, 1, init, strlen(init));
    while (one->messages == 0) receive(one);
    send_frame(one->fd, 1, subscribe, strlen(subscribe));
    one->messages = 0;
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static char *line_of(char *into) {
    if (fgets(into, LINE, stdin) == NULL) exit(0);
    into[strcspn(into, "\n")] = 0;
    return into;
}

/* A server that looks whether its clients are still there must not wait for its answer until all have come. */
static void answer_meanwhile(int poll) {
    struct epoll_event ready[BATCH];
    int some = epoll_wait(poll, ready, BATCH, 0);
    for (int i = 0; i < some; i++) receive(ready[i].data.ptr);
}

int main(int argc, char **argv) {
    static char request[LINE], init[LINE], subscribe[LINE], command[LINE];
    if (argc != 3) return 2;
    int port = atoi(argv[1]), count = atoi(argv[2]);
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    line_of(request);
    line_of(init);
    line_of(subscribe);
    char headers[2 * LINE] = "";
    for (char *part = strtok(request, "|"); part != NULL; part = strtok(NULL, "|")) {
        strcat(headers, part);
        strcat(headers, "\r\n");
    }
    strcat(headers, "\r\n");
    subscribers = calloc((size_t)count, sizeof *subscribers);
    int poll = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        open_one(&subscribers[i], port, headers, init, subscribe);
        struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = &subscribers[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, subscribers[i].fd, &wanted);
        answer_meanwhile(poll);
    }
    puts("ready");
    fflush(stdout);
    struct epoll_event input = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(poll, EPOLL_CTL_ADD, 0, &input);
    setvbuf(stdin, NULL, _IONBF, 0);
    long wanted = 0, begun = 0;
    for (;;) {
        struct epoll_event ready[BATCH];
        int some = epoll_wait(poll, ready, BATCH, -1);
        for (int i = 0; i < some; i++) {
            if (ready[i].data.ptr != NULL) {
                receive(ready[i].data.ptr);
                continue;
            }
            if (sscanf(line_of(command), "%ld %lu", &wanted, &start) != 2) return 0;
            for (int n = 0; n < count; n++) subscribers[n].messages = 0;
            times_max = (size_t)(wanted * count);
            times = realloc(times, times_max * sizeof *times);
            times_count = 0;
            begun = 1;
            printf("begun\n");
            fflush(stdout);
        }
        if (begun && times_count == times_max) {
            uint64_t last = times[times_count - 1] + start;
            for (int n = 0; n < count; n++)
                if (subscribers[n].messages != wanted) { fprintf(stderr, "messages are missing\n"); return 1; }
            qsort(times, times_count, sizeof *times, by_size);
            printf("%lu %lu %lu\n", last, times[times_count / 2], times[times_count * 99 / 100]);
            fflush(stdout);
            begun = 0;
        }
    }
}
