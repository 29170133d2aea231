//! A listener whose connections can be cut from within a request.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The connection a request came in on: how much of the next answer it lets through.
#[derive(Debug, Clone)]
pub(super) struct Line(Arc<AtomicUsize>);

/// Everything passes.
const WHOLE: usize = usize::MAX;
/// Nothing passes, and the connection closes.
const CUT: usize = 0;

impl Line {
    fn whole() -> Self {
        Self(Arc::new(AtomicUsize::new(WHOLE)))
    }

    /// Nothing is written to this connection any more: the first attempt closes it.
    pub(super) fn cut(&self) {
        self.0.store(CUT, Ordering::Relaxed);
    }

    /// The head of the next answer and so many bytes of its body are written, then the connection closes.
    pub(super) fn cut_in_body(&self, bytes: NonZeroUsize) {
        self.0.store(bytes.get(), Ordering::Relaxed);
    }

    /// How many of these bytes may be written.
    fn admits(&self, bytes: &[u8]) -> io::Result<usize> {
        let aborted = || io::Error::new(io::ErrorKind::ConnectionAborted, "cut by the sandbox");
        match self.0.load(Ordering::Relaxed) {
            WHOLE => Ok(bytes.len()),
            CUT => Err(aborted()),
            body => {
                // The server writes an answer's head, and what it has of the body, in one go.
                let head = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(aborted)? + 4;
                self.cut();
                Ok(bytes.len().min(head + body))
            }
        }
    }
}

impl Connected<IncomingStream<'_, Lines>> for Line {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.io().line.clone()
    }
}

/// Accepts connections.
#[derive(Debug)]
pub(super) struct Lines(pub(super) TcpListener);

impl Listener for Lines {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Small replies must not wait for the peer's delayed acknowledgement; without the option they are only slower.
        let _ = stream.set_nodelay(true);
        (Wire { stream, line: Line::whole() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// One TCP connection and the switch that cuts it.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    line: Line,
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let admitted = self.line.admits(bytes)?;
        Pin::new(&mut self.stream).poll_write(cx, &bytes[..admitted])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
