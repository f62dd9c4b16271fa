//! What goes with a ticket from one venue to another (R6, R7), and how both halves stay in step.
//!
//! Each venue writes its half into its own history. The source sends the ticket off with a [`Parcel`] and keeps it
//! until it knows what came of it; the target takes it in, or declines, once and for all, and remembers its answer.
//! Whoever carries parcels may therefore deliver one as often as it likes, late or twice: the answer is the same.
//!
//! The target may forget an answer when the source knows it. Each delivery says below which [`TransferKey`] that is
//! so; anything older that still comes along is known to be settled, and changes nothing.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::command::Actor;
use crate::ids::{CounterId, Seq, ServiceId, TicketId, TicketNumber, VenueId};
use crate::ticket::{Grant, Slot, TicketState, Visitor};
use crate::time::Timestamp;

/// Most parcels of one venue that are on their way at a time: the other venue is away for long, or the desk is
/// emptying a hall. Each is a person who stands in no queue.
pub const OUTBOX_MAX: usize = 1_000;
/// Most stops a ticket remembers; the latest stay.
pub const STOPS_MAX: usize = 8;

/// Names a transfer among those of its source, in the order in which they were made. By time first: a venue that
/// was restored from an older copy counts its changes anew, but time goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TransferKey {
    /// When it was sent.
    pub at: Timestamp,
    /// By which change of the source.
    pub seq: Seq,
}

/// Everything the other venue needs to go on with a visit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// Who sent it.
    pub from: VenueId,
    /// Its name there.
    pub transfer: TransferKey,
    /// What the person shall wait for.
    pub service: ServiceId,
    /// The only counter that will do there (C5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wants: Option<CounterId>,
    /// The person.
    pub visitor: Visitor,
    /// The booked interval, for appointments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// When the number was given.
    pub issued_at: Timestamp,
    /// When the present wait began: it goes on (R6).
    pub queued_at: Timestamp,
    /// Precedence granted, if any (R7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// Times called and not come.
    #[serde(default)]
    pub misses: u32,
    /// Where it comes from.
    pub guest: Guest,
}

/// What a ticket brings from other venues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// The venue that gave the number.
    pub home: VenueId,
    /// The business day on which it did.
    pub day: NaiveDate,
    /// The ticket there.
    pub ticket: TicketId,
    /// The number as it was given.
    pub number: TicketNumber,
    /// What ordering by number uses.
    pub count: u32,
    /// What the number begins with where it would be mistaken for another.
    pub mark: Arc<str>,
    /// Where it was before, oldest first; at most [`STOPS_MAX`].
    pub stops: Vec<Stop>,
}

impl Guest {
    /// Whether both are the visit that began with one number.
    pub fn is_same_visit(&self, other: &Self) -> bool {
        (&self.home, self.day, self.ticket) == (&other.home, other.day, other.ticket)
    }
}

/// One venue that sent a ticket on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// The venue.
    pub venue: VenueId,
    /// What the person waited for there.
    pub service: ServiceId,
    /// When it was sent on.
    pub at: Timestamp,
    /// Why.
    pub reason: Arc<str>,
    /// By whom.
    pub by: Actor,
}

/// What came of a parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "came", rename_all = "snake_case")]
pub enum Arrival {
    /// It waits there, as this ticket.
    Arrived {
        /// The ticket there.
        ticket: TicketId,
    },
    /// The other venue would not have it, by this refusal's code.
    Declined {
        /// The code.
        code: Arc<str>,
    },
    /// It was settled before, in a history this venue no longer has.
    Settled,
}

/// A parcel that is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The ticket.
    pub ticket: TicketId,
    /// Where to.
    pub to: VenueId,
    /// What is carried.
    pub parcel: Parcel,
    /// What the ticket is again if it is turned back.
    pub was: TicketState,
}

/// A parcel to be carried: what the target is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Where to.
    pub to: VenueId,
    /// What is carried.
    pub parcel: Parcel,
    /// Everything this source sent to this target before this is settled.
    pub settled_below: TransferKey,
}

/// Both sides of a venue's transfers to and from others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Handovers {
    /// On their way, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sent: Vec<Sent>,
    /// What was answered to each source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    answered: Vec<Answered>,
}

/// What one source was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answered {
    from: VenueId,
    /// Everything before this is settled.
    below: TransferKey,
    /// The others.
    known: Vec<(TransferKey, Arrival)>,
}

impl Handovers {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.sent.is_empty() && self.answered.is_empty()
    }

    /// Parcels on their way, oldest first.
    pub fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// What the courier has to carry.
    pub fn deliveries(&self) -> impl Iterator<Item = Delivery> + '_ {
        self.sent.iter().map(|sent| {
            let before = self.sent.iter().find(|other| other.to == sent.to).unwrap_or(sent);
            let (to, parcel) = (sent.to.clone(), sent.parcel.clone());
            Delivery { to, parcel, settled_below: before.parcel.transfer }
        })
    }

    /// The parcel of this name, if it is still on its way.
    pub(crate) fn find(&self, transfer: TransferKey) -> Option<&Sent> {
        self.sent.iter().find(|sent| sent.parcel.transfer == transfer)
    }

    pub(crate) fn send(&mut self, sent: Sent) {
        self.sent.push(sent);
    }

    pub(crate) fn settle(&mut self, transfer: TransferKey) -> Option<Sent> {
        let at = self.sent.iter().position(|sent| sent.parcel.transfer == transfer)?;
        Some(self.sent.remove(at))
    }

    /// What this source was answered to this parcel before.
    pub(crate) fn answer(&self, from: &VenueId, transfer: TransferKey) -> Option<Arrival> {
        let answered = self.answered.iter().find(|answered| answered.from == *from)?;
        let known = answered.known.iter().find(|(known, _)| *known == transfer);
        known.map(|(_, came)| came.clone()).or((transfer < answered.below).then_some(Arrival::Settled))
    }

    pub(crate) fn remember(&mut self, from: &VenueId, transfer: TransferKey, below: TransferKey, came: Arrival) {
        let at = self.answered.iter().position(|answered| answered.from == *from).unwrap_or_else(|| {
            self.answered.push(Answered { from: from.clone(), below, known: Vec::new() });
            self.answered.len() - 1
        });
        if let Some(answered) = self.answered.get_mut(at) {
            answered.below = answered.below.max(below);
            let below = answered.below;
            answered.known.retain(|(known, _)| *known >= below);
            answered.known.push((transfer, came));
        }
    }
}
