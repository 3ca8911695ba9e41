/* A null server in C, for what `load/blocks/null_server.py` would be too slow: it must not set the pace. Part of
   `load/bench`.

   null_server

   Listens at a free port of 127.0.0.1, prints the READY line, and serves until SIGTERM. On WebSocket: handshake,
   CONNECT, heartbeat and `message-with-ack`; `GET /counts` answers what it has done, as the other server does.
   Left out: polling, rooms, namespaces, attachments, fragments, what a client sends wrong. */

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
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 8192, EVENTS = 256, FILES = 65536, PING_MS = 25000 };

struct client {
    int fd, open; /* open: the WebSocket is */
    size_t kept;
    unsigned char buffer[BUFFER];
};

static volatile sig_atomic_t stopped;
static struct client *clients[FILES];
static long acks, connects, sessions, number;

static void stop(int signal_number) { (void)signal_number; stopped = 1; }

static void die(const char *what)
{
    fprintf(stderr, "null_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint32_t rotated(uint32_t word, int bits) { return word << bits | word >> (32 - bits); }

/* SHA-1 of a text of at most 119 bytes, which are two blocks with the padding. */
static void sha1(const char *text, size_t length, unsigned char digest[20])
{
    unsigned char blocks[128] = {0};
    uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    size_t end = length < 56 ? 64 : 128;
    memcpy(blocks, text, length);
    blocks[length] = 0x80;
    blocks[end - 2] = (unsigned char)(length * 8 >> 8);
    blocks[end - 1] = (unsigned char)(length * 8);
    for (size_t block = 0; block < end; block += 64) {
        uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
        for (int i = 0; i < 16; i++) {
            const unsigned char *p = blocks + block + 4 * i;
            w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
        }
        for (int i = 16; i < 80; i++) w[i] = rotated(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        for (int i = 0; i < 80; i++) {
            uint32_t mixed = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                             : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                             : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                                      : (b ^ c ^ d) + 0xca62c1d6;
            uint32_t next = rotated(a, 5) + mixed + e + w[i];
            e = d; d = c; c = rotated(b, 30); b = a; a = next;
        }
        state[0] += a; state[1] += b; state[2] += c; state[3] += d; state[4] += e;
    }
    for (int i = 0; i < 20; i++) digest[i] = (unsigned char)(state[i / 4] >> (24 - 8 * (i % 4)));
}

static void accept_key(const char *key, size_t length, char text[29])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char joined[100];
    unsigned char digest[21] = {0};
    int size = snprintf(joined, sizeof joined, "%.*s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", (int)length, key);
    sha1(joined, (size_t)size, digest);
    for (int i = 0; i < 7; i++) {
        uint32_t bits = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) text[4 * i + j] = digits[bits >> (18 - 6 * j) & 63];
    }
    text[27] = '=';
    text[28] = 0;
}

static void forget(struct client *c)
{
    sessions -= c->open;
    clients[c->fd] = NULL;
    close(c->fd);
    free(c);
}

static void send_bytes(struct client *c, const void *data, size_t length)
{
    /* What the kernel does not take is lost: then the client reads nothing, and nobody measures it. */
    if (send(c->fd, data, length, MSG_NOSIGNAL) < 0) return;
}

static void send_text(struct client *c, const char *text, size_t length)
{
    unsigned char frame[BUFFER + 4];
    size_t head = length < 126 ? 2 : 4;
    frame[0] = 0x81;
    frame[1] = length < 126 ? (unsigned char)length : 126;
    frame[2] = (unsigned char)(length >> 8);
    frame[3] = (unsigned char)length;
    memcpy(frame + head, text, length);
    send_bytes(c, frame, head + length);
}

static void take_request(struct client *c, char *head)
{
    static const char open[] = "{\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":1000000,";
    char answer[512], body[256], accept[29];
    char *key = strcasestr(head, "\r\nsec-websocket-key:");
    int length;
    if (!strncmp(head, "GET /counts ", 12)) {
        int size = snprintf(body, sizeof body, "{\"acks\":%ld,\"deliveries\":0,\"connects\":%ld,\"sessions\":%ld}", acks,
                            connects, sessions);
        length = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body);
        send_bytes(c, answer, (size_t)length);
        return;
    }
    if (!key) {
        send_bytes(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 47);
        return;
    }
    key += 20;
    key += strspn(key, " ");
    accept_key(key, strcspn(key, "\r "), accept);
    length = snprintf(answer, sizeof answer,
                      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    send_bytes(c, answer, (size_t)length);
    length = snprintf(answer, sizeof answer, "0%s\"sid\":\"null-%ld\"}", open, ++number);
    send_text(c, answer, (size_t)length);
    c->open = 1;
    sessions++;
}

static void take_text(struct client *c, const char *text, size_t length)
{
    static const char event[] = "[\"message-with-ack\",";
    char answer[BUFFER];
    const char *start;
    if (length < 2 || text[0] != '4') return;
    if (text[1] == '0') {
        int size = snprintf(answer, sizeof answer, "40{\"sid\":\"null-%ld\"}", ++number);
        connects++;
        send_text(c, answer, (size_t)size);
    } else if (text[1] == '2' && (start = memchr(text, '[', length)) &&
               length - (size_t)(start - text) > sizeof event && !memcmp(start, event, sizeof event - 1)) {
        size_t id = (size_t)(start - text) - 2, rest = length - (size_t)(start - text) - (sizeof event - 1);
        memcpy(answer, "43", 2);
        memcpy(answer + 2, text + 2, id);
        answer[2 + id] = '[';
        memcpy(answer + 3 + id, start + sizeof event - 1, rest);
        acks++;
        send_text(c, answer, 3 + id + rest);
    }
}

/* How many bytes are done with; -1 if the client says that it leaves. */
static ssize_t take_frames(struct client *c, unsigned char *data, size_t end)
{
    size_t position = 0;
    while (end - position >= 6) {
        unsigned char opcode = data[position] & 0x0f, *mask;
        size_t length = data[position + 1] & 0x7f, start = position + 2;
        if (length == 126) {
            length = (size_t)data[start] << 8 | data[start + 1];
            start += 2;
        }
        if (start + 4 + length > end) break;
        mask = data + start;
        start += 4;
        for (size_t i = 0; i < length; i++) data[start + i] ^= mask[i & 3];
        position = start + length;
        if (opcode == 8) {
            send_bytes(c, "\x88\x00", 2);
            return -1;
        }
        if (opcode == 1) take_text(c, (const char *)data + start, length);
    }
    return (ssize_t)position;
}

static void readable(struct client *c)
{
    ssize_t got = recv(c->fd, c->buffer + c->kept, sizeof c->buffer - 1 - c->kept, 0), done;
    char *end;
    if (got <= 0) {
        forget(c);
        return;
    }
    c->kept += (size_t)got;
    if (c->open) {
        done = take_frames(c, c->buffer, c->kept);
        if (done < 0) {
            forget(c);
            return;
        }
    } else {
        c->buffer[c->kept] = 0;
        if (!(end = strstr((char *)c->buffer, "\r\n\r\n"))) return;
        take_request(c, (char *)c->buffer);
        done = end + 4 - (char *)c->buffer;
    }
    c->kept -= (size_t)done;
    memmove(c->buffer, c->buffer + done, c->kept);
}

static void ping_all(void)
{
    for (int fd = 0; fd < FILES; fd++)
        if (clients[fd] && clients[fd]->open) send_text(clients[fd], "2", 1);
}

static void welcome(int listener, int poller)
{
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};
    if (fd < 0) return;
    if (fd >= FILES || !(clients[fd] = calloc(1, sizeof **clients))) {
        close(fd);
        return;
    }
    clients[fd]->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted)) die("epoll_ctl");
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct epoll_event events[EVENTS], wanted = {.events = EPOLLIN};
    struct rlimit files = {FILES, FILES};
    struct timespec pinged, now;
    int poller = epoll_create1(EPOLL_CLOEXEC), listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    wanted.data.fd = listener;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGTERM, stop);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096) ||
        getsockname(listener, (struct sockaddr *)&address, &size))
        die("listen");
    if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &wanted)) die("epoll_ctl");
    printf("READY {\"urls\": [\"http://127.0.0.1:%d\"], \"pids\": [%d], \"server\": \"null\"}\n",
           ntohs(address.sin_port), (int)getpid());
    fflush(stdout);
    clock_gettime(CLOCK_MONOTONIC, &pinged);
    while (!stopped) {
        int ready = epoll_wait(poller, events, EVENTS, 1000);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener) welcome(listener, poller);
            else if (clients[events[i].data.fd]) readable(clients[events[i].data.fd]);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        if ((now.tv_sec - pinged.tv_sec) * 1000 >= PING_MS) {
            ping_all();
            pinged = now;
        }
    }
    return 0;
}
