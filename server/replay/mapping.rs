//! Which service of the target venue plays which queue of the records.

use std::collections::{BTreeMap, BTreeSet};

use callnext_engine::ServiceId;

/// The queues and the services do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the queues of the file ({}) match the services of the venue ({}) neither by name nor in number",
    queues.join(", "),
    services.join(", ")
)]
pub struct MappingError {
    /// The queues of the file.
    pub queues: Vec<String>,
    /// The services of the venue.
    pub services: Vec<String>,
}

/// Maps queues to services: by name, upper and lower case alike; else, where there are as many, in order (the
/// queues by name, the services as the venue declares them).
///
/// # Errors
///
/// Neither works.
pub fn map_queues(
    queues: &BTreeSet<String>,
    services: &[ServiceId],
) -> Result<BTreeMap<String, ServiceId>, MappingError> {
    let named = |queue: &str| services.iter().find(|service| service.as_str().eq_ignore_ascii_case(queue)).cloned();
    let by_name: Option<BTreeMap<_, _>> = queues.iter().map(|queue| Some((queue.clone(), named(queue)?))).collect();
    if let Some(map) = by_name {
        return Ok(map);
    }
    if queues.len() == services.len() {
        return Ok(queues.iter().cloned().zip(services.iter().cloned()).collect());
    }
    Err(MappingError {
        queues: queues.iter().cloned().collect(),
        services: services.iter().map(ToString::to_string).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(queues: &[&str], services: &[&str]) -> Result<Vec<String>, MappingError> {
        let services: Vec<_> = services.iter().map(|service| ServiceId::parse(service).unwrap()).collect();
        let queues = queues.iter().map(|queue| (*queue).to_owned()).collect();
        Ok(map_queues(&queues, &services)?.into_iter().map(|(queue, service)| format!("{queue}={service}")).collect())
    }

    #[test]
    fn names_match_whatever_their_case_and_however_many_services_there_are() {
        assert_eq!(map(&["B", "a"], &["a", "b", "c"]).unwrap(), ["B=b", "a=a"]);
    }

    #[test]
    fn as_many_of_both_match_in_order() {
        assert_eq!(map(&["B", "A"], &["x", "a"]).unwrap(), ["A=x", "B=a"]);
    }

    #[test]
    fn a_misfit_names_both_sides() {
        assert_eq!(
            map(&["A", "B"], &["x"]).expect_err("two queues, one service").to_string(),
            "the queues of the file (A, B) match the services of the venue (x) neither by name nor in number"
        );
    }
}
