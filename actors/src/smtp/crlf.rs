//! The rule that CR and LF occur only together and NUL not at all (RFC 5321 §2.3.8, §4.1.1.4),
//! for content that arrives in pieces.

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LineFault {
    /// CR without LF behind it.
    #[error("CR without LF")]
    BareCr,
    /// LF without CR before it.
    #[error("LF without CR")]
    BareLf,
    /// A NUL octet.
    #[error("NUL octet")]
    Nul,
}

/// Watches content go by.
#[derive(Debug, Clone, Copy)]
pub struct CrlfGuard {
    pending_cr: bool,
    at_line_start: bool,
}

impl Default for CrlfGuard {
    fn default() -> Self {
        Self {
            pending_cr: false,
            at_line_start: true,
        }
    }
}

impl CrlfGuard {
    /// Looks at the next piece.
    ///
    /// # Errors
    /// The first fault in it; after that the guard is of no further use.
    pub fn check(&mut self, bytes: &[u8]) -> Result<(), LineFault> {
        let mut lf_wanted_at = self.pending_cr.then_some(0);
        let mut line_end = self.at_line_start.then_some(0);
        for position in memchr::memchr3_iter(b'\r', b'\n', 0, bytes) {
            let byte = bytes.get(position).copied().unwrap_or_default();
            match (byte, lf_wanted_at) {
                (b'\n', Some(wanted)) if wanted == position => {
                    lf_wanted_at = None;
                    line_end = Some(position + 1);
                }
                (_, Some(_)) => return Err(LineFault::BareCr),
                (b'\r', None) => lf_wanted_at = Some(position + 1),
                (b'\n', None) => return Err(LineFault::BareLf),
                (_, None) => return Err(LineFault::Nul),
            }
        }
        if lf_wanted_at.is_some_and(|wanted| wanted < bytes.len()) {
            return Err(LineFault::BareCr);
        }
        self.pending_cr = lf_wanted_at.is_some();
        self.at_line_start = line_end == Some(bytes.len());
        Ok(())
    }

    /// Looks at the end of the content.
    ///
    /// # Errors
    /// When it ended with a CR.
    pub const fn finish(&self) -> Result<(), LineFault> {
        if self.pending_cr {
            return Err(LineFault::BareCr);
        }
        Ok(())
    }

    /// Whether the content so far is empty or ends with CRLF.
    #[must_use]
    pub const fn is_at_line_start(&self) -> bool {
        self.at_line_start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One octet after the other, as the rule reads.
    fn reference(content: &[u8]) -> Result<bool, LineFault> {
        let mut previous = b'\n';
        for byte in content {
            match (previous, *byte) {
                (b'\r', b'\n') => {}
                (b'\r', _) => return Err(LineFault::BareCr),
                (_, b'\n') => return Err(LineFault::BareLf),
                (_, 0) => return Err(LineFault::Nul),
                _ => {}
            }
            previous = *byte;
        }
        if previous == b'\r' {
            return Err(LineFault::BareCr);
        }
        Ok(previous == b'\n')
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            content in prop::collection::vec(prop::sample::select(b"\r\n\0ab.".to_vec()), 0..24),
            cut in 0_usize..24,
        ) {
            let (left, right) = content.split_at(cut.min(content.len()));
            let mut guard = CrlfGuard::default();
            let seen = guard.check(left)
                .and_then(|()| guard.check(right))
                .and_then(|()| guard.finish())
                .map(|()| guard.is_at_line_start());
            prop_assert_eq!(seen, reference(&content));
        }
    }
}
