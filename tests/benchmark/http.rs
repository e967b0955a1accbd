//! As little of HTTP as answers with a stated length need, so that sending requests costs little.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::Outcome;

/// A connection that is kept open.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(32 << 10) })
    }

    /// Sends a request and reads the whole answer: its status and its body.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (mut seen, mut head) = (0, None);
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if head.is_none() {
                head = find(&self.buffer[seen..], b"\r\n\r\n").map(|at| seen + at + 4);
                seen = self.buffer.len().saturating_sub(3);
            }
            let Some(end) = head else { continue };
            let whole = end + content_length(&self.buffer[..end]).ok_or(io::ErrorKind::InvalidData)?;
            if self.buffer.len() >= whole {
                let status = self.buffer.get(9..12).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
                return Ok((status.ok_or(io::ErrorKind::InvalidData)?, &self.buffer[end..whole]));
            }
        }
    }
}

pub(crate) fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

pub(crate) fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length: ";
    let rest = &head[find(head, NAME)? + NAME.len()..];
    std::str::from_utf8(&rest[..find(rest, b"\r")?]).ok()?.parse().ok()
}

/// A request as it goes over the wire.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Sends one request that must succeed, and reads its answer as JSON.
pub(crate) async fn call(address: SocketAddr, request: &[u8]) -> Outcome<serde_json::Value> {
    let mut connection = Connection::open(address).await?;
    let (status, body) = connection.exchange(request).await?;
    if !(200..300).contains(&status) {
        return Err(format!("{status}: {}", String::from_utf8_lossy(body)).into());
    }
    Ok(serde_json::from_slice(body)?)
}
