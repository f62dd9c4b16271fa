//! The line between one node and its Redis, which can be cut: nothing comes through, in either direction, and nobody
//! is told, as on a real network.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Bytes carried at a time.
const CARRIED: usize = 64 * 1024;

/// One line, mended or cut.
pub(super) struct Line {
    /// Where its node finds it.
    pub(super) address: SocketAddr,
    is_cut: watch::Sender<bool>,
}

impl Line {
    /// A line to this port of this machine. It lasts as long as the program.
    pub(super) async fn to(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let is_cut = watch::Sender::new(false);
        let cut = is_cut.subscribe();
        actix::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                actix::spawn(connect(near, port, cut.clone()));
            }
        });
        Ok(Self { address, is_cut })
    }

    /// Cuts it, or mends it: what was sent meanwhile arrives then.
    pub(super) fn cut(&self, cut: bool) {
        self.is_cut.send_replace(cut);
    }
}

async fn connect(near: TcpStream, port: u16, mut cut: watch::Receiver<bool>) {
    // The line is gone with its end, or nobody is at the other: either is hung up on.
    if cut.wait_for(|cut| !cut).await.is_err() {
        return;
    }
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    if near.set_nodelay(true).is_err() || far.set_nodelay(true).is_err() {
        return;
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = carry(near_in, far_out, cut.clone()) => {}
        () = carry(far_in, near_out, cut) => {}
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut cut: watch::Receiver<bool>) {
    let mut bytes = vec![0; CARRIED];
    loop {
        let Ok(count) = from.read(&mut bytes).await else { return };
        let Some(read) = bytes.get(..count).filter(|read| !read.is_empty()) else { return };
        if cut.wait_for(|cut| !cut).await.is_err() || to.write_all(read).await.is_err() {
            return;
        }
    }
}
