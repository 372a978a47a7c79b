//! The language of the cases.
//!
//! ```text
//! == name            a case on a fresh connection, greeted and introduced by EHLO
//! == name | raw      the same, with nothing said yet: the greeting is the first reply
//! == name | option   on a listener that is `sloppy`, `single` (one recipient of a null sender)
//! > text             says a line with CRLF
//! >> text            says exactly this; \r \n \0 \\ and \xNN are octets
//! *N text            says a line N times, each with its number in place of {}
//! +N octet           says an octet N times
//! < 250 2.1.0        the next reply's last line begins so
//! <N 250 2.1.5       N replies like this
//! <~ text            a line of the last reply holds this
//! <! text            no line of the last reply holds this
//! tls …              makes a handshake: 1.2, 1.3, http (fails), garbage (fails)
//! closed             the session has ended and said nothing more
//! cut                the peer goes away
//! wait N             N seconds pass
//! queued N           N messages are in the queue at the end (otherwise none)
//! body text          the content of the only message, without our trace field
//! ```

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Say(Vec<u8>),
    Reply { expected: String, times: usize },
    Holds(String),
    HoldsNot(String),
    Tls(String),
    Closed,
    Cut,
    Wait(u64),
}

/// One dialogue.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) options: Vec<String>,
    pub(crate) steps: Vec<Step>,
    pub(crate) queued: usize,
    pub(crate) body: Option<Vec<u8>>,
}

impl Case {
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            options: Vec::new(),
            steps: Vec::new(),
            queued: 0,
            body: None,
        }
    }

    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|has| has == option)
    }

    pub(crate) fn say(mut self, octets: impl Into<Vec<u8>>) -> Self {
        self.steps.push(Step::Say(octets.into()));
        self
    }

    pub(crate) fn expect(mut self, reply: &str) -> Self {
        self.steps.push(Step::Reply {
            expected: reply.to_owned(),
            times: 1,
        });
        self
    }
}

/// Reads a file of cases; `class` stands before their names.
pub(crate) fn parse(class: &str, text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix("== ") {
            let mut parts = title.split('|').map(str::trim);
            let mut case = Case::new(format!("{class}: {}", parts.next().unwrap()));
            case.options = parts.map(str::to_owned).collect();
            cases.push(case);
            continue;
        }
        let case = cases.last_mut().expect("a case begins with ==");
        step(case, line);
    }
    cases
}

fn step(case: &mut Case, line: &str) {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let step = match word {
        ">" => Step::Say(format!("{rest}\r\n").into_bytes()),
        ">>" => Step::Say(octets(rest)),
        "<~" => Step::Holds(rest.to_owned()),
        "<!" => Step::HoldsNot(rest.to_owned()),
        "tls" => Step::Tls(rest.to_owned()),
        "closed" => Step::Closed,
        "cut" => Step::Cut,
        "wait" => Step::Wait(rest.parse().unwrap()),
        "queued" => {
            case.queued = rest.parse().unwrap();
            return;
        }
        "body" => {
            case.body = Some(octets(rest));
            return;
        }
        _ if word.starts_with('*') => {
            let times: usize = word[1..].parse().unwrap();
            let lines = (1..=times).map(|n| format!("{}\r\n", rest.replace("{}", &n.to_string())));
            Step::Say(lines.collect::<String>().into_bytes())
        }
        _ if word.starts_with('+') => {
            let times: usize = word[1..].parse().unwrap();
            Step::Say(octets(rest).repeat(times))
        }
        _ if word.starts_with('<') => Step::Reply {
            expected: rest.to_owned(),
            times: word[1..].parse().unwrap_or(1),
        },
        _ => panic!("{}: not a step: {line}", case.name),
    };
    case.steps.push(step);
}

fn octets(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            octets.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        octets.push(match chars.next().expect("something is escaped") {
            'r' => b'\r',
            'n' => b'\n',
            't' => b'\t',
            '0' => 0,
            's' => b' ',
            '\\' => b'\\',
            'x' => {
                let digits: String = chars.by_ref().take(2).collect();
                u8::from_str_radix(&digits, 16).unwrap()
            }
            other => panic!("\\{other} is no escape"),
        });
    }
    octets
}
