//! How a command ends: `sysexits.h` where it has a number.

use std::process::ExitCode;

use web::api::Problem;

use crate::config::ConfigError;

/// Refused, or not found.
pub(super) const REFUSED: u8 = 1;
/// The command line itself is wrong.
pub(super) const USAGE: u8 = 64;
/// The input (an address, a CSV file) is wrong.
pub(super) const DATA: u8 = 65;
/// The server does not answer.
pub(super) const UNAVAILABLE: u8 = 69;
/// A fault of Mailhold's own.
pub(super) const SOFTWARE: u8 = 70;
/// A file or the disk.
pub(super) const INPUT_OUTPUT: u8 = 74;
/// Not permitted.
pub(super) const PERMISSION: u8 = 77;
/// The configuration.
pub(super) const CONFIGURATION: u8 = 78;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// A failure with its exit code.
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// What the process exits with.
    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(CONFIGURATION, error.to_string())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let code = match problem.status {
            400 | 413 | 415 | 422 => DATA,
            401 | 403 => PERMISSION,
            404 | 409 => REFUSED,
            502..=504 => UNAVAILABLE,
            500.. => INPUT_OUTPUT,
            _ => SOFTWARE,
        };
        let mut message = problem.detail.unwrap_or(problem.title);
        // A single fault is told by the detail already.
        if problem.errors.len() > 1 {
            for error in problem.errors {
                let line = error.line.map(|line| format!("line {line}: "));
                let line = line.unwrap_or_default();
                message.push_str(&format!("\n{line}{}: {}", error.field, error.problem));
            }
        } else if let Some(line) = problem.errors.first().and_then(|error| error.line) {
            message.insert_str(0, &format!("line {line}: "));
        }
        Self::new(code, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use web::api::FieldFault;

    fn problem(status: u16, errors: Vec<FieldFault>) -> Failure {
        let problem = Problem {
            status,
            code: "x".to_owned(),
            title: "Title".to_owned(),
            detail: Some("2 faults".to_owned()),
            errors,
        };
        problem.into()
    }

    #[test]
    fn statuses_become_exit_codes() {
        for (status, code) in [
            (404, REFUSED),
            (409, REFUSED),
            (422, DATA),
            (400, DATA),
            (401, PERMISSION),
            (403, PERMISSION),
            (503, UNAVAILABLE),
            (500, INPUT_OUTPUT),
            (405, SOFTWARE),
        ] {
            assert_eq!(problem(status, Vec::new()).code, code, "{status}");
        }
    }

    #[test]
    fn bad_input_every_faulty_row_is_printed_with_its_line() {
        let fault = |line, field: &str| FieldFault {
            field: field.to_owned(),
            line: Some(line),
            problem: "wrong".to_owned(),
        };
        let failure = problem(422, vec![fault(3, "address"), fault(9, "enabled")]);
        assert_eq!(
            failure.to_string(),
            "2 faults\nline 3: address: wrong\nline 9: enabled: wrong"
        );
    }
}
