/* librabbitmq: the floor. It reads frames, copies nothing, decodes no JSON, runs no handler.
 *
 * librabbitmq consume HOST PORT USER PASSWORD VHOST QUEUE WARMUP COUNT BULK PREFETCH
 * librabbitmq publish HOST PORT USER PASSWORD VHOST QUEUE WARMUP COUNT IN_FLIGHT SIZE
 * librabbitmq version
 */
#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

#define CHANNEL 1
#define FRAME_MAX 131072

static void fail(const char *what) {
  fprintf(stderr, "librabbitmq: %s\n", what);
  exit(1);
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

struct reading {
  long seen;
  double cpu, wall;
};

static struct reading read_clocks(long seen) {
  struct reading now = {seen, seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_MONOTONIC)};
  return now;
}

static void report(struct reading began, struct reading ended) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("{\"messages\": %ld, \"cpu\": %.9f, \"wall\": %.9f, \"began\": %.9f, \"ended\": %.9f,"
         " \"peak_mb\": %.3f}\n",
         ended.seen - began.seen, ended.cpu - began.cpu, ended.wall - began.wall, began.wall,
         ended.wall, usage.ru_maxrss * 1024 / 1e6);
}

static amqp_connection_state_t open_channel(char **words) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_tcp_socket_new(connection);
  if (!socket || amqp_socket_open(socket, words[0], atoi(words[1]))) fail("cannot connect");
  if (amqp_login(connection, words[4], 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, words[2], words[3])
          .reply_type != AMQP_RESPONSE_NORMAL)
    fail("cannot log in");
  amqp_channel_open(connection, CHANNEL);
  if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) fail("no channel");
  return connection;
}

static void close_channel(amqp_connection_state_t connection) {
  amqp_channel_close(connection, CHANNEL, AMQP_REPLY_SUCCESS);
  amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(connection);
}

static void consume(amqp_connection_state_t connection, char **words) {
  long warmup = atol(words[1]), total = warmup + atol(words[2]);
  long bulk = atol(words[3]);
  struct reading began = {0, 0, 0};
  amqp_basic_qos(connection, CHANNEL, 0, atoi(words[4]), 0);
  amqp_basic_consume(connection, CHANNEL, amqp_cstring_bytes(words[0]), amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  if (amqp_get_rpc_reply(connection).reply_type != AMQP_RESPONSE_NORMAL) fail("cannot consume");
  for (long seen = 1; seen <= total; seen++) {
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(connection);
    if (amqp_consume_message(connection, &envelope, NULL, 0).reply_type != AMQP_RESPONSE_NORMAL)
      fail("no message");
    /* One acknowledgement for a whole batch, as asyncworker does it. */
    if (seen % bulk == 0 || seen == total)
      amqp_basic_ack(connection, CHANNEL, envelope.delivery_tag, bulk > 1);
    amqp_destroy_envelope(&envelope);
    if (seen == warmup) began = read_clocks(seen);
  }
  report(began, read_clocks(total));
}

struct confirms {
  char *seen; /* by delivery tag, as single confirms may come in any order */
  long count, below;
};

static void confirm(struct confirms *confirms, long tag) {
  if (!confirms->seen[tag]) confirms->count++;
  confirms->seen[tag] = 1;
}

static void wait_for_confirms(amqp_connection_state_t connection, struct confirms *confirms) {
  amqp_frame_t frame;
  amqp_maybe_release_buffers(connection);
  if (amqp_simple_wait_frame(connection, &frame) != AMQP_STATUS_OK) fail("no confirm");
  if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD)
    fail("something other than a confirm came");
  amqp_basic_ack_t *ack = frame.payload.method.decoded;
  long tag = (long)ack->delivery_tag;
  if (!ack->multiple) confirm(confirms, tag);
  else
    while (confirms->below < tag) confirm(confirms, ++confirms->below);
}

static void publish(amqp_connection_state_t connection, char **words) {
  long warmup = atol(words[1]), total = warmup + atol(words[2]);
  long in_flight = atol(words[3]), size = atol(words[4]);
  struct confirms confirms = {calloc(total + 1, 1), 0, 0};
  struct reading began = {0, 0, 0};
  amqp_bytes_t body = {size, malloc(size)};
  memset(body.bytes, 'x', size);
  amqp_basic_properties_t properties;
  memset(&properties, 0, sizeof properties);
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.content_type = amqp_cstring_bytes("application/json");
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  amqp_confirm_select(connection, CHANNEL);
  for (long sent = 0; sent < total;) {
    amqp_basic_publish(connection, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes(words[0]), 0, 0,
                       &properties, body);
    sent++;
    while (sent - confirms.count >= in_flight) wait_for_confirms(connection, &confirms);
    if (sent == warmup) began = read_clocks(sent);
  }
  while (confirms.count < total) wait_for_confirms(connection, &confirms);
  report(began, read_clocks(total));
  free(confirms.seen);
  free(body.bytes);
}

int main(int count, char **words) {
  if (count == 2 && !strcmp(words[1], "version")) {
    puts(amqp_version());
    return 0;
  }
  if (count != 12) fail("see the head of librabbitmq.c");
  amqp_connection_state_t connection = open_channel(words + 2);
  if (!strcmp(words[1], "consume"))
    consume(connection, words + 7);
  else
    publish(connection, words + 7);
  close_channel(connection);
  return 0;
}
