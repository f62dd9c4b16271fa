//! What a connection holds that says nothing.

use super::rig::Ours;
use super::{Bar, Figure, TableError, TableOptions, median};
use crate::server::SMALL_BOARD;
use crate::viewers::Viewers;

/// Connections that are opened; a process has 20,000 descriptors at most on many machines.
const CONNECTIONS: usize = 15_000;
/// Phones that look at one ticket: a ticket costs memory too, and is not what is measured.
const PHONES_PER_TICKET: usize = 5;
/// Memory a connection may hold in user space, KiB.
const BAR_KIB: f64 = 6.0;
/// Time for what was needed to open them to be given back.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(3);

/// What is measured.
pub fn bars() -> [Bar; 2] {
    ["board", "phone"]
        .map(|kind| Bar::new(format!("idle: KiB of resident memory per {kind}, {CONNECTIONS} open"), BAR_KIB))
}

/// Resident memory of idle boards, and of idle phones.
pub async fn memory(options: &TableOptions) -> Result<Vec<Figure>, TableError> {
    let mut boards = Vec::new();
    let mut phones = Vec::new();
    for _ in 0..options.runs.min(3) {
        let mut ours = Ours::start(options.workers).await?;
        boards.push(grown(&mut ours, Viewers::boards(SMALL_BOARD, CONNECTIONS)).await?);
        let mut ours = Ours::start(options.workers).await?;
        let paths = ours.clerk.take(CONNECTIONS / PHONES_PER_TICKET).await?;
        let viewers = Viewers { times: PHONES_PER_TICKET, ..Viewers::phones(paths) };
        phones.push(grown(&mut ours, viewers).await?);
    }
    let [board, phone] = bars();
    Ok(vec![board.came_to(median(boards), ""), phone.came_to(median(phones), "without tickets")])
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
async fn grown(ours: &mut Ours, viewers: Viewers) -> Result<f64, TableError> {
    tokio::time::sleep(SETTLE).await;
    let before = ours.process.memory()?.resident;
    ours.open(vec![viewers]).await?;
    tokio::time::sleep(SETTLE).await;
    let after = ours.process.memory()?.resident;
    Ok(after.saturating_sub(before) as f64 / 1024.0 / CONNECTIONS as f64)
}
