//! How nodes talk: over the same HTTP as everybody, under `/cluster/v1`, every request signed.

use std::sync::Arc;
use std::time::Duration;

use awc::Client;
use callnext_engine::{Command, VenueId};
use serde::{Deserialize, Serialize};

use super::lease::Node;
use super::signature::{self, Signer};
use crate::venues::{Answer, SubmitError};

/// Longest wait for another node's answer: longer than its journal may take, shorter than people wait.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Largest answer taken from another node, bytes: a few rows.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// What another node said to a command. Journal errors lose their detail on the way: the asker can do nothing about
/// them but ask again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// It was done.
    Done {
        /// What came of it.
        answer: Box<Answer>,
    },
    /// The venue says no.
    Refused {
        /// Why.
        refusal: callnext_engine::Refusal,
    },
    /// Nothing of it happened: that node does not write this venue.
    NotOwner,
    /// Nothing of it happened: that node may not write at the moment.
    Paused,
    /// Nothing of it happened: too much to do.
    Busy,
    /// It may have happened: the journal failed, or the venue did.
    Unsure,
}

impl Reply {
    /// The reply that says this.
    pub fn of(answer: Result<Answer, SubmitError>) -> Self {
        match answer {
            Ok(answer) => Self::Done { answer: Box::new(answer) },
            Err(SubmitError::Refused(refusal)) => Self::Refused { refusal },
            Err(SubmitError::NotOwner) => Self::NotOwner,
            Err(SubmitError::Paused) => Self::Paused,
            Err(SubmitError::Busy) => Self::Busy,
            Err(SubmitError::Journal(_) | SubmitError::Broken | SubmitError::Unsure) => Self::Unsure,
        }
    }

    /// What this node tells its asker.
    pub fn answer(self) -> Result<Answer, SubmitError> {
        match self {
            Self::Done { answer } => Ok(*answer),
            Self::Refused { refusal } => Err(SubmitError::Refused(refusal)),
            Self::NotOwner => Err(SubmitError::NotOwner),
            Self::Paused => Err(SubmitError::Paused),
            Self::Busy => Err(SubmitError::Busy),
            Self::Unsure => Err(SubmitError::Unsure),
        }
    }
}

/// This node's line to the others.
#[derive(Clone)]
pub struct Peers {
    signer: Arc<Signer>,
}

impl Peers {
    /// A line over which everything is signed so.
    pub fn new(signer: Arc<Signer>) -> Self {
        Self { signer }
    }

    /// Judges what other nodes send.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Asks a venue's owner to carry out a command.
    pub async fn submit(&self, owner: &Node, venue: &VenueId, command: &Command) -> Result<Answer, SubmitError> {
        let path = format!("/cluster/v1/venues/{venue}/commands");
        // A command is plain data with text keys: it can always be written.
        let body = serde_json::to_vec(command).unwrap_or_default();
        match self.ask(owner, &path, body).await {
            Ok(reply) => serde_json::from_slice::<Reply>(&reply).map_or(Err(SubmitError::Unsure), Reply::answer),
            Err(Trouble::Unreached) => Err(SubmitError::NotOwner),
            Err(Trouble::Unsure) => Err(SubmitError::Unsure),
        }
    }

    /// Tells a node that a venue was given to it. Whether it heard or not, the lease says so too.
    pub async fn give(&self, to: &Node, venue: &VenueId) -> bool {
        self.ask(to, &format!("/cluster/v1/venues/{venue}/ownership"), Vec::new()).await.is_ok()
    }

    async fn ask(&self, to: &Node, path: &str, body: Vec<u8>) -> Result<Vec<u8>, Trouble> {
        thread_local! {
            static CLIENT: Client = Client::builder().timeout(ANSWER_MAX).disable_redirects().finish();
        }
        let client = CLIENT.with(Client::clone);
        let header = self.signer.sign(&to.instance, path, &body);
        let request = client.post(format!("{}{path}", to.address)).insert_header((signature::HEADER, header));
        let sent = request.content_type("application/json").send_body(body).await;
        let mut answer = sent.map_err(|error| match error {
            // Never on its way.
            awc::error::SendRequestError::Connect(_) | awc::error::SendRequestError::Url(_) => Trouble::Unreached,
            _ => Trouble::Unsure,
        })?;
        // Refused before it was looked at: that node was started anew, and its new name is not known here yet.
        if !answer.status().is_success() {
            return Err(Trouble::Unreached);
        }
        answer.body().limit(ANSWER_BYTES_MAX).await.map(|body| body.to_vec()).map_err(|_| Trouble::Unsure)
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    /// The request never came to it.
    Unreached,
    /// It may have.
    Unsure,
}
