/*
 * Two-way G.711 calls through a media relay on loopback: what was lost, and how long the relay kept each packet.
 *
 *   rtpload CALLS SECONDS WARMUP_SECONDS CALLER_IP CALLEE_IP FIRST_PORT RELAY_IP [PACKETS [TAG CHECK | OTHERS]]
 *
 * Call i's parties sit at CALLER_IP and CALLEE_IP, port FIRST_PORT + 2i. The relay's ports are read from standard
 * input, one call a line: the port the caller sends to, the port the callee sends to. "measuring" and "done" are
 * printed when the counted part begins and ends, then one line of JSON.
 *
 * PACKETS is a file of SRTP packets, one stream's: every caller says these, in order, and hears SRTP; callees speak RTP.
 * With TAG and CHECK, sizes in octets, it has for each call a check of its way (ICE), which is sent again as browsers do,
 * and a stream of its own whose packets are so much longer than RTP.
 * With OTHERS, callers of the last so many calls say them, and no other does: they are as long as RTP, of another codec, and the
 * relay may turn them, and what is said to them, into packets of its own, whose numbers go by ones, too. What became of those calls
 * is counted by itself ("others").
 *
 * When a packet was sent is known by its number; the kernel stamps its arrival when the relay's send call puts it on
 * loopback. The difference is the relay's delay, free of our own wake-up times. We spin: give us a core of our own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 12, SOUND = 160, CHECK_MS = 2500, UNDER_WAY = 1024, MOST_CALLS = 5000, MOST_SECONDS = 60, PACKET_MS = 20, BURST = 16, READY = 128 };
enum { FINE = 32, BUCKETS = 64 * FINE };

/** One party of one call. */
struct party {
    int socket;
    struct sockaddr_in relay;
    uint32_t said;
    /** How far the numbers it hears are ahead of those its partner says, known once it has heard one. */
    uint16_t ahead;
    int knows_ahead;
    uint64_t counted, heard;
    /** By the low bits of their numbers: when the last packets were sent; 0: not to be counted, or heard already. */
    uint64_t sent_at[UNDER_WAY];
};

static struct party *parties;
/** What callers say, ready as it is; NULL: RTP. */
static uint8_t *protected;
/** Octets of a packet's tag, of a check, and of all which one caller says; the last two 0: all say the same, unchecked. */
static size_t tag = 10, check_size, stream_size;
static uint32_t party_count, first_other;
static uint64_t strangers;

/** The delays of calls of one kind. */
struct delays {
    uint64_t buckets[BUCKETS], count, most;
};

static struct delays plain, others;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Delays fall into buckets about three per cent wide. */
static void note_delay(struct delays *delays, uint64_t ns)
{
    int high = ns < FINE ? 0 : 63 - __builtin_clzll(ns) - 4;
    delays->buckets[high ? high * FINE + (ns >> high) - FINE / 2 : ns]++;
    delays->count++;
    if (ns > delays->most) delays->most = ns;
}

static double delay_us(const struct delays *delays, double share)
{
    uint64_t seen = 0, wanted = delays->count * share;
    for (int i = 0; i < BUCKETS; i++) {
        seen += delays->buckets[i];
        if (seen <= wanted) continue;
        int high = i < FINE ? 0 : i / FINE;
        uint64_t low = high ? (uint64_t)(i % FINE + FINE / 2) << high : (uint64_t)i;
        return low / 1000.0;
    }
    return delays->most / 1000.0;
}

static struct sockaddr_in place(const char *address, int port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    if (inet_pton(AF_INET, address, &in.sin_addr) != 1 || *(uint8_t *)&in.sin_addr != 127) {
        fprintf(stderr, "loopback only: %s\n", address);
        exit(2);
    }
    return in;
}

static int open_socket(const char *address, int port, int epoll, uint32_t party)
{
    struct sockaddr_in in = place(address, port);
    int one = 1, size = 1 << 18, it = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (it < 0) fail("socket");
    setsockopt(it, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    setsockopt(it, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (bind(it, (struct sockaddr *)&in, sizeof in)) fail("bind");
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = party };
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, it, &event)) fail("epoll_ctl");
    return it;
}

static int is_other(uint32_t index)
{
    return index >= first_other;
}

/* Even numbers are callers. */
static int is_protected(uint32_t index)
{
    return protected != NULL && index % 2 == 0 && (first_other == party_count || is_other(index));
}

static void say(uint32_t index, int counted)
{
    static uint8_t packet[HEADER + SOUND];
    struct party *party = &parties[index];
    uint32_t sequence = party->said++, time = htonl(sequence * 160), ssrc = htonl(0x10000 + index);
    const uint8_t *said = packet;
    size_t length = sizeof packet;
    if (is_protected(index)) {
        length += tag;
        said = protected + index / 2 * stream_size + check_size + sequence * length;
    } else {
        packet[0] = 0x80;
        packet[1] = 8;
        packet[2] = sequence >> 8;
        packet[3] = sequence;
        memcpy(packet + 4, &time, 4);
        memcpy(packet + 8, &ssrc, 4);
    }
    if (check_size && index % 2 == 0 && (sequence + index / 2) % (CHECK_MS / PACKET_MS) == 0)
        sendto(party->socket, protected + index / 2 * stream_size, check_size, 0, (struct sockaddr *)&party->relay, sizeof party->relay);
    party->counted += counted;
    party->sent_at[sequence % UNDER_WAY] = counted ? clock_ns(CLOCK_REALTIME) : 0;
    sendto(party->socket, said, length, 0, (struct sockaddr *)&party->relay, sizeof party->relay);
}

static int hear(uint32_t index)
{
    uint8_t packet[2048];
    char control[64];
    struct iovec io = { packet, sizeof packet };
    struct msghdr message = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    ssize_t length = recvmsg(parties[index].socket, &message, MSG_DONTWAIT);
    if (length < 0) return 0;
    if (is_other(index) ? length < HEADER : (size_t)length != HEADER + SOUND + (is_protected(index) ? tag : 0)) {
        strangers++;
        return 1;
    }
    /* What a party hears was said by the other one of its call. */
    struct party *party = &parties[index], *sayer = &parties[index ^ 1];
    uint16_t number = packet[2] << 8 | packet[3], last = sayer->said - 1;
    /* Before it counts, a packet which was under way for less than the next one takes to be said shows it. */
    if (is_other(index) && sayer->counted == 0 && (!party->knows_ahead || (int16_t)(number - last - party->ahead) > 0)) {
        party->ahead = number - last;
        party->knows_ahead = 1;
    }
    uint64_t *sent_at = &sayer->sent_at[(uint16_t)(number - party->ahead) % UNDER_WAY];
    uint64_t sent = *sent_at;
    *sent_at = 0;
    if (sent == 0) return 1;
    party->heard++;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head == NULL || head->cmsg_type != SCM_TIMESTAMPNS) return 1;
    struct timespec at;
    memcpy(&at, CMSG_DATA(head), sizeof at);
    int64_t delay = at.tv_sec * 1000000000ll + at.tv_nsec - (int64_t)sent;
    note_delay(is_other(index) ? &others : &plain, delay < 0 ? 0 : delay);
    return 1;
}

static void hear_all(int epoll)
{
    struct epoll_event ready[READY];
    int count = epoll_wait(epoll, ready, READY, 0);
    for (int i = 0; i < count; i++) hear(ready[i].data.u32);
}

static void mark(const char *word)
{
    puts(word);
    fflush(stdout);
}

/* Packets are spread evenly over the packet time, party after party, again and again. */
static double talk(int epoll, uint64_t warm, uint64_t total)
{
    double gap = PACKET_MS * 1e6 / party_count;
    uint64_t begun = clock_ns(CLOCK_MONOTONIC), late = 0;
    for (uint64_t said = 0; said < total;) {
        uint64_t now = clock_ns(CLOCK_MONOTONIC), due = (now - begun) / gap + 1;
        if (due > total) due = total;
        for (int i = 0; i < BURST && said < due; i++, said++) {
            if (said == warm) mark("measuring");
            say(said % party_count, said >= warm);
        }
        if (said >= warm && due - said > late) late = due - said;
        hear_all(epoll);
    }
    mark("done");
    for (uint64_t end = clock_ns(CLOCK_MONOTONIC) + 500000000ull; clock_ns(CLOCK_MONOTONIC) < end;) hear_all(epoll);
    return late * gap / 1e6;
}

static uint8_t *read_packets(const char *path, size_t size)
{
    uint8_t *packets = malloc(size);
    FILE *file = fopen(path, "rb");
    if (packets == NULL || file == NULL || fread(packets, 1, size, file) != size) fail(path);
    fclose(file);
    return packets;
}

static void print_seen(uint64_t sent, uint64_t heard, const struct delays *delays)
{
    printf("\"sent\":%lu,\"heard\":%lu,\"p50\":%.1f,\"p99\":%.1f,\"most\":%.1f", sent, heard, delay_us(delays, .5), delay_us(delays, .99),
           delays->most / 1000.0);
}

int main(int count, char **words)
{
    if (count < 8 || count > 11) {
        fprintf(stderr, "see the head of rtpload.c\n");
        return 2;
    }
    int calls = atoi(words[1]), first = atoi(words[6]), epoll = epoll_create1(0);
    double seconds = atof(words[2]), warmup = atof(words[3]);
    if (calls < 1 || calls > MOST_CALLS || seconds + warmup > MOST_SECONDS) return 2;
    size_t most = (seconds + warmup + 1) * 1000 / PACKET_MS;
    size_t streams = 1;
    party_count = first_other = 2 * calls;
    if (count == 10) {
        tag = 0;
        first_other = 2 * (calls - atoi(words[9]));
    } else if (count == 11) {
        tag = atoi(words[9]);
        check_size = atoi(words[10]);
        stream_size = check_size + most * (HEADER + SOUND + tag);
        streams = calls;
    }
    if (count > 8) protected = read_packets(words[8], streams * (check_size + most * (HEADER + SOUND + tag)));
    parties = calloc(party_count, sizeof *parties);
    for (int i = 0; i < calls; i++) {
        int to_caller_side, to_callee_side;
        if (scanf("%d %d", &to_caller_side, &to_callee_side) != 2) fail("ports");
        for (int side = 0; side < 2; side++) {
            struct party *party = &parties[2 * i + side];
            party->socket = open_socket(words[4 + side], first + 2 * i, epoll, 2 * i + side);
            party->relay = place(words[7], side ? to_callee_side : to_caller_side);
        }
    }
    uint64_t a_second = party_count * 1000ull / PACKET_MS;
    double late = talk(epoll, warmup * a_second, (warmup + seconds) * a_second);
    uint64_t sent[2] = { 0 }, heard[2] = { 0 };
    for (uint32_t i = 0; i < party_count; i++) {
        sent[is_other(i)] += parties[i].counted;
        heard[is_other(i)] += parties[i].heard;
    }
    putchar('{');
    print_seen(sent[0], heard[0], &plain);
    printf(",\"late_ms\":%.1f,\"strangers\":%lu,\"others\":{", late, strangers);
    print_seen(sent[1], heard[1], &others);
    puts("}}");
    return 0;
}
