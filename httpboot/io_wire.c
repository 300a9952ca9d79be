/* wire: see io_wire.h. Plain sockets here; TLS is io_tls.c's. */
#include "httpboot/io_wire.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "httpboot/io_tls.h"

void wire_plain(struct wire *w, int fd)
{
    *w = (struct wire){.fd = fd};
}

int wire_tls(struct wire *w, int fd, struct tls_server *server)
{
    *w = (struct wire){.fd = fd, .tls = tls_new(server, fd)};
    return w->tls ? 0 : -1;
}

bool wire_is_tls(const struct wire *w)
{
    return w->tls != NULL;
}

void wire_close(struct wire *w)
{
    tls_free(w->tls);
    close(w->fd);
    *w = (struct wire){.fd = -1};
}

void wire_abort(struct wire *w)
{
    setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
}

bool wire_would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int wire_handshake(struct wire *w)
{
    return w->tls ? tls_handshake(w->tls, &w->want) : 0;
}

ssize_t wire_read(struct wire *w, void *p, size_t n)
{
    w->want = WATCH_READ;
    return w->tls ? tls_read(w->tls, p, n, &w->want) : recv(w->fd, p, n, 0);
}

ssize_t wire_write(struct wire *w, const void *p, size_t n, bool more)
{
    w->want = WATCH_WRITE;
    return w->tls ? tls_write(w->tls, p, n, &w->want)
                  : send(w->fd, p, n, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
}

ssize_t wire_sendfile(struct wire *w, int file, off_t at, size_t n, size_t left)
{
    w->want = WATCH_WRITE;
    return w->tls ? tls_sendfile(w->tls, file, at, n, left, &w->want) : sendfile(w->fd, file, &at, n);
}

bool wire_has_pending(const struct wire *w)
{
    return w->tls && tls_has_pending(w->tls);
}

int wire_end(struct wire *w)
{
    if (w->tls)
        tls_end(w->tls);
    return shutdown(w->fd, SHUT_WR);
}

ssize_t wire_drain(struct wire *w, void *p, size_t n)
{
    return recv(w->fd, p, n, 0);
}
