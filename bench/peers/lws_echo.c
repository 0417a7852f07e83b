/* libwebsockets' echo, or with --broadcast everything to everyone. One service thread, no extensions,
 * TCP_NODELAY (its default), receive buffer of 64 KiB a call; a queue of messages for each connection,
 * written in the WRITEABLE callback, as the library demands: one message a callback.
 * SIGUSR1 closes all with 1001; --idle pings after 20 s without traffic and hangs up after 40. */
#include <libwebsockets.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct piece {
  struct piece* next;
  size_t length;
  int flags; /* of lws_write */
  int starts, ends, binary;
  unsigned char bytes[]; /* LWS_PRE in front */
};

struct session {
  struct piece *first, **last;
  struct session *next_open, **back;
  struct lws* wsi;
  int closing;
};

static int broadcasts;
static struct session* all;
static volatile sig_atomic_t closes;
static struct lws_context* context;

static void on_signal(int number) {
  (void)number;
  closes = 1;
  lws_cancel_service(context);
}

static void queue_piece(struct session* to, struct lws* from, const void* in, size_t length) {
  struct piece* one = malloc(sizeof *one + LWS_PRE + length);
  one->next = NULL;
  one->length = length;
  one->starts = lws_is_first_fragment(from);
  one->ends = lws_is_final_fragment(from);
  one->binary = lws_frame_is_binary(from);
  memcpy(one->bytes + LWS_PRE, in, length);
  *to->last = one;
  to->last = &one->next;
  lws_callback_on_writable(to->wsi);
}

static int on_event(struct lws* wsi, enum lws_callback_reasons why, void* user, void* in, size_t length) {
  struct session* self = user;
  switch (why) {
    case LWS_CALLBACK_ESTABLISHED:
      memset(self, 0, sizeof *self);
      self->last = &self->first;
      self->wsi = wsi;
      self->next_open = all;
      self->back = &all;
      if (all) all->back = &self->next_open;
      all = self;
      break;
    case LWS_CALLBACK_CLOSED:
      *self->back = self->next_open;
      if (self->next_open) self->next_open->back = self->back;
      while (self->first) {
        struct piece* one = self->first;
        self->first = one->next;
        free(one);
      }
      break;
    case LWS_CALLBACK_RECEIVE:
      if (broadcasts) {
        for (struct session* to = all; to; to = to->next_open) queue_piece(to, wsi, in, length);
      } else {
        queue_piece(self, wsi, in, length);
      }
      break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
      if (closes) {
        lws_close_reason(wsi, LWS_CLOSE_STATUS_GOINGAWAY, NULL, 0);
        return -1;
      }
      if (self->first) {
        struct piece* one = self->first;
        self->first = one->next;
        if (!self->first) self->last = &self->first;
        const int flags = lws_write_ws_flags(
            one->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT, one->starts, one->ends);
        const int written =
            lws_write(wsi, one->bytes + LWS_PRE, one->length, (enum lws_write_protocol)flags);
        free(one);
        if (written < 0) return -1;
        if (self->first) lws_callback_on_writable(wsi);
      }
      break;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
      if (closes) lws_callback_on_writable_all_protocol(context, lws_get_protocol(wsi));
      break;
    default: break;
  }
  return 0;
}

int main(int argc, char** argv) {
  static const struct lws_protocols protocols[] = {
      {"echo", on_event, sizeof(struct session), 64 * 1024, 0, NULL, 0},
      {NULL, NULL, 0, 0, 0, NULL, 0}};
  static const lws_retry_bo_t pings = {.secs_since_valid_ping = 20, .secs_since_valid_hangup = 40};
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "--broadcast")) broadcasts = 1;
    if (!strcmp(argv[i], "--idle")) info.retry_and_idle_policy = &pings;
  }
  lws_set_log_level(LLL_ERR, NULL);
  info.port = 0;
  info.iface = "127.0.0.1";
  info.protocols = protocols;
  info.pt_serv_buf_size = 64 * 1024;
  context = lws_create_context(&info);
  if (!context) return 1;
  signal(SIGUSR1, on_signal);
  printf("listening %d\n", lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default")));
  fflush(stdout);
  while (lws_service(context, 0) >= 0) {
  }
}
