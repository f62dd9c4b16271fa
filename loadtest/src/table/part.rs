//! The parts of the table: what each measures, and how long that takes.

use std::fmt;
use std::time::Duration;

use super::{Bar, Figure, TableError, TableOptions, conformance, fanout, herds, idle, nodes};

/// Figures that are taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// One frame for so many screens.
    Boards(usize),
    /// A card of its own for each of so many phones.
    Phones(usize),
    /// What a connection holds that says nothing.
    Idle,
    /// Six nodes on one Redis.
    Nodes,
    /// Viewers that never read.
    Stragglers,
    /// An hour of calls beside such.
    Hour,
    /// A server that is killed.
    Restart,
    /// Viewers that come and go.
    Churn,
    /// Whether sockets keep to the protocol.
    Conformance,
    /// Viewers that are kicked.
    Storm,
}

impl Part {
    /// Those that were asked for.
    pub fn wanted(options: &TableOptions) -> Result<Vec<Self>, TableError> {
        let most = options.viewers.iter().copied().max().unwrap_or_default();
        let mut all: Vec<Self> = options.viewers.iter().copied().map(Self::Boards).collect();
        all.extend([
            Self::Phones(most),
            Self::Idle,
            Self::Nodes,
            Self::Stragglers,
            Self::Hour,
            Self::Restart,
            Self::Churn,
            Self::Conformance,
            Self::Storm,
        ]);
        if let Some(none) = options.only.iter().find(|only| all.iter().all(|part| part.name() != only.as_str())) {
            return Err(TableError::NoPart(none.clone()));
        }
        all.retain(|part| options.only.is_empty() || options.only.iter().any(|only| part.name() == only));
        Ok(all)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Boards(_) => "boards",
            Self::Phones(_) => "phones",
            Self::Idle => "idle",
            Self::Nodes => "nodes",
            Self::Stragglers => "stragglers",
            Self::Hour => "hour",
            Self::Restart => "restart",
            Self::Churn => "churn",
            Self::Conformance => "conformance",
            Self::Storm => "storm",
        }
    }

    /// Its figures, before they are taken.
    pub fn bars(self, options: &TableOptions) -> Vec<Bar> {
        match self {
            Self::Boards(viewers) => fanout::boards_bars(viewers).into(),
            Self::Phones(viewers) => fanout::phones_bars(viewers).into(),
            Self::Idle => idle::bars().into(),
            Self::Nodes => nodes::bars(options).into(),
            Self::Stragglers => herds::stragglers_bars().into(),
            Self::Hour => herds::hour_bars().into(),
            Self::Restart => herds::restart_bars().into(),
            Self::Churn => herds::churn_bars().into(),
            Self::Conformance => conformance::bars().into(),
            Self::Storm => herds::storm_bars().into(),
        }
    }

    /// How long it takes on two quiet cores.
    pub fn expected(self, options: &TableOptions) -> Duration {
        let runs = u64::from(options.runs);
        let turns_s = |viewers| 2 * (runs + 1) * fanout::turn(viewers).as_secs();
        Duration::from_secs(match self {
            Self::Boards(viewers) => 15 + turns_s(viewers),
            Self::Phones(viewers) => 60 + turns_s(viewers),
            Self::Idle => 30 * runs.min(3),
            Self::Nodes => 60 + 15 * runs,
            Self::Stragglers => 20 + 40 * runs,
            Self::Hour => 170,
            Self::Restart => 25 * runs.min(3),
            Self::Churn => 20 + 21 * runs,
            Self::Conformance => 130,
            Self::Storm => 20,
        })
    }

    /// Takes its figures.
    pub async fn measure(self, options: &TableOptions) -> Result<Vec<Figure>, TableError> {
        match self {
            Self::Boards(viewers) => fanout::boards(options, viewers).await,
            Self::Phones(viewers) => fanout::phones(options, viewers).await,
            Self::Idle => idle::memory(options).await,
            Self::Nodes => nodes::nodes(options).await,
            Self::Stragglers => herds::stragglers(options).await,
            Self::Hour => herds::hour(options).await,
            Self::Restart => herds::restart(options).await,
            Self::Churn => herds::churn(options).await,
            Self::Conformance => conformance::conformance(options).await,
            Self::Storm => herds::storm(options).await,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boards(viewers) => write!(f, "boards, {viewers} viewers"),
            Self::Phones(viewers) => write!(f, "phones, {viewers} cards"),
            part => f.write_str(part.name()),
        }
    }
}
