/* A bare epoll loop that does what the generator does: the floor under its cost. Part of `load/bench.py`.

   epoll_loop HOST PORT CONNECTIONS ack|deliver PAYLOAD_BYTES [RATE]

   Opens the WebSockets one after the other, prints READY, and runs until SIGTERM, then prints what it counted.
   ack      each connection emits `message-with-ack` [number, payload], compares the answer, goes on
   deliver  all are members of one room; the first publishes the next number when all have the last
   RATE     acks only: so many a second of all connections, which take turns, whether answers came or not. It
            waits as the generator's loop does: in whole milliseconds, for the next one that is due or for an
            answer. What is due is sent at each turn of the loop, and a duration counts from the intended time.
   Masked frames, one send an event; duration of each operation into a log-linear histogram.
   Left out: fragments, frames of 126 bytes and more, TLS, any error that does not end the run. */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_TEXT = 125, BUFFER = 65536, EVENTS = 64, OUTSTANDING = 64 };

/* `number` was sent or received last, `answered` was answered last. Answers come in the order of the emits. */
struct connection {
    int fd;
    long number, answered;
    uint64_t started[OUTSTANDING];
    size_t kept;
    unsigned char buffer[4096];
};

static volatile sig_atomic_t stopped;
static struct connection *connections;
static int count, delivering;
static char payload[MAX_TEXT + 1], room[40];
static long operations, failures, published, outstanding;
static uint64_t gap, due; /* ns; a gap of 0 is a closed loop */
static uint32_t histogram[8192];

static void stop(int number) { (void)number; stopped = 1; }

static void die(const char *what)
{
    fprintf(stderr, "epoll_loop: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void record(uint64_t ns)
{
    uint64_t us = ns / 1000;
    unsigned shift = us < 256 ? 0 : 56 - (unsigned)__builtin_clzll(us);
    uint64_t index = ((uint64_t)shift << 7) + (us >> shift);
    histogram[index < 8192 ? index : 8191]++;
    operations++;
}

static const unsigned char *next_mask(void)
{
    static unsigned char block[4096];
    static size_t used = sizeof block;
    if (used == sizeof block) {
        if (getrandom(block, sizeof block, 0) != sizeof block) die("getrandom");
        used = 0;
    }
    used += 4;
    return block + used - 4;
}

static void send_text(struct connection *c, const char *text, size_t length)
{
    unsigned char frame[MAX_TEXT + 6];
    const unsigned char *mask = next_mask();
    if (length > MAX_TEXT) { errno = EMSGSIZE; die("text"); }
    frame[0] = 0x81;
    frame[1] = (unsigned char)(0x80 | length);
    memcpy(frame + 2, mask, 4);
    for (size_t i = 0; i < length; i++) frame[6 + i] = (unsigned char)text[i] ^ mask[i & 3];
    if (send(c->fd, frame, length + 6, MSG_NOSIGNAL) != (ssize_t)(length + 6)) die("send");
}

static void emit(struct connection *c, uint64_t intended)
{
    char text[512];
    long number = ++c->number;
    int length = snprintf(text, sizeof text, "42%ld[\"message-with-ack\",%ld,\"%s\"]", number, number, payload);
    c->started[number % OUTSTANDING] = intended;
    send_text(c, text, (size_t)length);
}

static void take_ack(struct connection *c, const char *text, size_t length)
{
    char expected[512];
    long number = c->answered + 1;
    size_t expected_length = (size_t)snprintf(expected, sizeof expected, "43%ld[%ld,\"%s\"]", number, number, payload);
    uint64_t now = now_ns();
    if (number > c->number || length != expected_length || memcmp(text, expected, length)) {
        failures++;
        return;
    }
    c->answered = number;
    record(now - c->started[number % OUTSTANDING]);
    if (!gap && !stopped) emit(c, now);
}

/* Send all that is due. Nothing is sent early, and what an unanswered connection cannot send is a failure. */
static void send_due(void)
{
    static int turn;
    uint64_t now = now_ns();
    for (; due <= now; due += gap) {
        struct connection *c = connections + turn;
        turn = (turn + 1) % count;
        if (c->number - c->answered < OUTSTANDING) emit(c, due);
        else failures++;
    }
}

static int wait_ms(void)
{
    uint64_t now;
    if (!gap) return 1000;
    now = now_ns();
    return due > now ? (int)((due - now + 999999) / 1000000) : 0;
}

static void publish(void)
{
    char text[512];
    int length = snprintf(text, sizeof text, "42[\"in\",\"%s\",\"m\",%ld,%llu,\"%s\"]", room, published++,
                          (unsigned long long)now_ns(), payload);
    outstanding = count;
    send_text(connections, text, (size_t)length);
}

static void take_delivery(struct connection *c, const char *text, size_t length)
{
    char copy[MAX_TEXT + 1], rest[MAX_TEXT + 1];
    long number;
    unsigned long long stamp;
    memcpy(copy, text, length);
    copy[length] = 0;
    if (sscanf(copy, "42[\"m\",%ld,%llu,\"%125[^\"]\"]", &number, &stamp, rest) != 3 || number != c->number ||
        strcmp(rest, payload))
        failures++;
    c->number++;
    record(now_ns() - stamp);
    if (--outstanding == 0 && !stopped) publish();
}

static void take_text(struct connection *c, const char *text, size_t length)
{
    if (length == 1 && text[0] == '2') {
        send_text(c, "3", 1);
    } else if (delivering) {
        take_delivery(c, text, length);
    } else {
        take_ack(c, text, length);
    }
}

static void readable(struct connection *c)
{
    static unsigned char data[BUFFER];
    size_t end = c->kept, position = 0;
    ssize_t got;
    memcpy(data, c->buffer, end);
    got = recv(c->fd, data + end, sizeof data - end, 0);
    if (got <= 0) die("recv");
    end += (size_t)got;
    while (end - position >= 2 && end - position >= 2u + data[position + 1]) {
        size_t length = data[position + 1];
        if (data[position] != 0x81 || length > MAX_TEXT) { errno = EPROTO; die("frame"); }
        take_text(c, (const char *)data + position + 2, length);
        position += 2 + length;
    }
    c->kept = end - position;
    if (c->kept > sizeof c->buffer) { errno = EPROTO; die("kept"); }
    memcpy(c->buffer, data + position, c->kept);
}

/* Read until what was received ends with a text that starts so; blocking, for the way to the first event. */
static void await(struct connection *c, const char *wanted)
{
    static char data[BUFFER];
    size_t end = 0;
    while (end < sizeof data - 1) {
        ssize_t got = recv(c->fd, data + end, sizeof data - 1 - end, 0);
        if (got <= 0) die("recv while connecting");
        end += (size_t)got;
        if (memmem(data, end, wanted, strlen(wanted))) return;
    }
    errno = EPROTO;
    die(wanted);
}

static void open_connection(struct connection *c, const struct sockaddr_in *address)
{
    char text[512];
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)address, sizeof *address)) die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const char *head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
                       "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: c2lvcHJvYmUgYmVuY2ghIQ==\r\n\r\n";
    if (send(c->fd, head, strlen(head), MSG_NOSIGNAL) != (ssize_t)strlen(head)) die("send");
    await(c, "\"pingInterval\"");
    send_text(c, "40", 2);
    await(c, "40{");
    if (delivering) {
        int length = snprintf(text, sizeof text, "421[\"join\",\"%s\"]", room);
        send_text(c, text, (size_t)length);
        await(c, "431[");
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct epoll_event events[EVENTS];
    int poller = epoll_create1(0);
    /* What stands around the payload must fit into the frame of 125 bytes too. */
    if (argc < 6 || argc > 7 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1 || atoi(argv[5]) < 0 ||
        atoi(argv[5]) > 40 || (argc == 7 && (atoi(argv[6]) < 1 || strcmp(argv[4], "ack")))) {
        fprintf(stderr, "usage: epoll_loop ADDRESS PORT CONNECTIONS ack|deliver PAYLOAD_BYTES (0 to 40) [RATE of acks]\n");
        return 2;
    }
    if (argc == 7) gap = 1000000000u / (uint64_t)atoi(argv[6]);
    address.sin_port = htons((uint16_t)atoi(argv[2]));
    count = atoi(argv[3]);
    delivering = !strcmp(argv[4], "deliver");
    memset(payload, 'x', (size_t)atoi(argv[5]));
    snprintf(room, sizeof room, "c%d", (int)getpid());
    connections = calloc((size_t)count, sizeof *connections);
    signal(SIGTERM, stop);
    for (int i = 0; i < count; i++) {
        struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
        open_connection(connections + i, &address);
        if (epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].fd, &wanted)) die("epoll_ctl");
    }
    printf("READY\n");
    fflush(stdout);
    if (delivering) publish();
    else if (gap) due = now_ns() + gap;
    else for (int i = 0; i < count; i++) emit(connections + i, now_ns());
    while (!stopped) {
        int ready = epoll_wait(poller, events, EVENTS, wait_ms());
        if (gap) send_due();
        for (int i = 0; i < ready; i++) readable(connections + events[i].data.u32);
    }
    printf("{\"operations\": %ld, \"failures\": %ld}\n", operations, failures);
    return 0;
}
