//! Whether sockets keep to the protocol, and what breaking it costs.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::rig::Ours;
use super::{Bar, Figure, TableError, TableOptions, progress};
use crate::autobahn;
use crate::frames::{head_end, upgrade};
use crate::server::BOARD;

/// Connections that announce more than anybody has.
const ANNOUNCERS: usize = 100;
/// What each sends of it.
const SENT_BYTES: usize = 1024 * 1024;

/// What is measured.
pub fn bars() -> [Bar; 2] {
    [
        Bar::new("conformance: Autobahn cases 1 to 7 and 10 that failed or closed wrongly", 0.0),
        Bar::new("conformance: KiB of memory taken by each frame that announces 1 GiB", 6.0),
    ]
}

/// Autobahn's cases, and a frame that announces a gigabyte.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
pub async fn conformance(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let [cases, announced] = bars();
    // Its process is waited for where nothing else happens.
    let ran = actix_web::rt::task::spawn_blocking(|| autobahn::run(&autobahn::suite()));
    let cases = match ran.await.map_err(std::io::Error::other)? {
        Ok(of) => {
            progress(&of.to_string());
            let (all, bad) = of.count();
            cases.came_to(bad as f64, format!("of {all}"))
        }
        Err(error) => cases.not_measured(error.to_string()),
    };
    let ours = Ours::start(options.workers).await?;
    announce(&ours).await?;
    let before = ours.process.memory()?.resident;
    for _ in 0..ANNOUNCERS {
        announce(&ours).await?;
    }
    let grown = ours.process.memory()?.resident.saturating_sub(before);
    Ok(vec![cases, announced.came_to(grown as f64 / 1024.0 / ANNOUNCERS as f64, "")])
}

async fn announce(ours: &Ours) -> Result<(), TableError> {
    let mut stream = TcpStream::connect(ours.process.address).await?;
    stream.write_all(upgrade("x", BOARD, None).as_bytes()).await?;
    let mut answer = Vec::new();
    while head_end(&answer).is_none() {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(TableError::Lost("a socket was not opened".to_owned()));
        }
    }
    let header = [&[0x81, 0xff][..], &(1_u64 << 30).to_be_bytes(), &[0; 4]].concat();
    stream.write_all(&header).await?;
    // The server may close before all of it is sent.
    drop(stream.write_all(&vec![b'x'; SENT_BYTES]).await);
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest).await);
    if rest.windows(2).any(|window| window == 1009_u16.to_be_bytes()) {
        Ok(())
    } else {
        Err(TableError::Lost("a frame that announces 1 GiB was not refused with 1009".to_owned()))
    }
}
