/*
 * Parties of calls who only listen: how evenly the packets come which a relay plays to them.
 *
 *   rtphear CALLS SECONDS WARMUP_SECONDS IP FIRST_PORT
 *
 * Call i's party sits at IP, port FIRST_PORT + 2i. "ready" is printed once all of them listen; "measuring" and "done" when the
 * counted part begins and ends, which is WARMUP_SECONDS after the first packet; then one line of JSON: packets heard, and
 * by how many microseconds the time between two packets of a party was not 20 ms. The kernel stamps a packet's arrival
 * when the relay's send call puts it on loopback, so that our own wake-up times do not count.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

enum { MOST_CALLS = 5000, READY = 128, HEADER = 12, STEP_US = 5, STEPS = 200000 };
static const int64_t PACKET_NS = 20000000;

/** When the last packet of each party came, ns; 0: none did. */
static int64_t last[MOST_CALLS];
static uint64_t uneven[STEPS], counted, heard;
static double most;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int open_socket(const char *ip, int port, int epoll, int place)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), yes = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint64_t)place << 32 | (uint32_t)fd};
    if (inet_pton(AF_INET, ip, &at.sin_addr) != 1) fail(ip);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0) fail("bind");
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) != 0) fail("SO_TIMESTAMPNS");
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
    return fd;
}

static void note(int party, int64_t at, int counts)
{
    int64_t before = last[party];
    last[party] = at;
    if (!counts) return;
    heard++;
    if (before == 0) return;
    int64_t away = llabs(at - before - PACKET_NS) / 1000, step = away / STEP_US;
    uneven[step < STEPS ? step : STEPS - 1]++;
    counted++;
    if (away > most) most = away;
}

/* RTCP comes to the port above, and finds no socket. */
static int hear(int fd, int party, int counts)
{
    uint8_t packet[2048], space[128];
    struct iovec piece = {packet, sizeof packet};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space};
    ssize_t size = recvmsg(fd, &message, 0);
    if (size < 0) return 0;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (size <= HEADER || head == NULL || head->cmsg_type != SCM_TIMESTAMPNS) return 1;
    struct timespec at;
    memcpy(&at, CMSG_DATA(head), sizeof at);
    note(party, at.tv_sec * 1000000000ll + at.tv_nsec, counts);
    return 1;
}

/* Listens for so long, from the first packet on where it is `awaited`. */
static void listen_for(int epoll, double seconds, int counts, int awaited)
{
    struct epoll_event ready[READY];
    int64_t end = awaited ? 0 : clock_ns() + (int64_t)(seconds * 1e9);
    while (end == 0 || clock_ns() < end) {
        int count = epoll_wait(epoll, ready, READY, 5);
        for (int i = 0; i < count; i++)
            while (hear(ready[i].data.u64 & 0xffffffff, ready[i].data.u64 >> 32, counts));
        if (end == 0 && count > 0) end = clock_ns() + (int64_t)(seconds * 1e9);
    }
}

static double share_us(double share)
{
    uint64_t seen = 0, wanted = counted * share;
    for (int step = 0; step < STEPS; step++)
        if ((seen += uneven[step]) > wanted) return step * STEP_US;
    return most;
}

static void mark(const char *word)
{
    puts(word);
    fflush(stdout);
}

int main(int count, char **words)
{
    if (count != 6) {
        fprintf(stderr, "see the head of rtphear.c\n");
        return 2;
    }
    int calls = atoi(words[1]), epoll = epoll_create1(0);
    if (calls < 1 || calls > MOST_CALLS) return 2;
    for (int i = 0; i < calls; i++) open_socket(words[4], atoi(words[5]) + 2 * i, epoll, i);
    mark("ready");
    listen_for(epoll, atof(words[3]), 0, 1);
    mark("measuring");
    listen_for(epoll, atof(words[2]), 1, 0);
    mark("done");
    printf("{\"heard\":%lu,\"p50\":%.0f,\"p99\":%.0f,\"most\":%.0f}\n", heard, share_us(.5), share_us(.99), most);
    return 0;
}
