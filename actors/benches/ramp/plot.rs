//! Window, deliveries, pace and refusals over time, as an SVG that needs nothing else.

use std::fmt::{self, Write as _};

use crate::destination::UP_AT;
use crate::report::Report;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 56.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 36.0;
/// Parts that an axis is divided into.
const TICKS: u32 = 5;
/// Points of a curve at most.
const POINTS: usize = 700;

/// Places on the paper.
struct Axes {
    from: f64,
    to: f64,
    places: f64,
    rate: f64,
}

impl Axes {
    fn x(&self, second: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * ((second - self.from) / (self.to - self.from))
    }

    fn y(share: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share
    }
}

/// One run.
pub(crate) fn draw(name: &str, report: &Report) -> Result<String, fmt::Error> {
    let samples = &report.samples;
    let thin = (samples.len() / POINTS).max(1);
    let points = || samples.iter().step_by(thin);
    let to = report.ended_at.as_secs_f64();
    let slots = deliveries(report, to);
    let most = samples
        .iter()
        .map(|one| f64::from(one.window))
        .fold(1.0, f64::max);
    let quickest = slots.iter().map(|one| one.1).fold(1.0, f64::max);
    let axes = Axes {
        from: 0.0,
        to,
        places: round_up(most),
        rate: round_up(quickest),
    };
    let mut svg = String::new();
    frame(&mut svg, name, report, &axes)?;
    let of_rate = |rate: f64| Axes::y((rate / axes.rate).min(1.0));
    let of_places = |places: f64| Axes::y((places / axes.places).min(1.0));
    curve(
        &mut svg,
        "#86b98d",
        1.2,
        slots.iter().map(|one| (axes.x(one.0), of_rate(one.1))),
    )?;
    let window = points().map(|one| (axes.x(one.at.as_secs_f64()), of_places(one.window.into())));
    curve(&mut svg, "#1d4ed8", 1.6, window)?;
    let pace = points().filter_map(|one| Some((axes.x(one.at.as_secs_f64()), of_rate(one.pace?))));
    curve(&mut svg, "#b45309", 1.4, pace)?;
    for at in &report.refusals_at {
        let x = axes.x(at.as_secs_f64());
        writeln!(
            svg,
            r##"<path d="M{x:.1} {}v-9" stroke="#dc2626" stroke-width="1.2"/>"##,
            HEIGHT - BOTTOM
        )?;
    }
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// Deliveries a second in slots, each long enough to be smooth.
fn deliveries(report: &Report, to: f64) -> Vec<(f64, f64)> {
    let slot = (to / 200.0).max(1.0);
    let mut counts = vec![0.0; (to / slot) as usize + 1];
    for at in report.deliveries() {
        counts[(at.as_secs_f64() / slot) as usize] += 1.0;
    }
    let middle = |(number, count): (usize, &f64)| ((number as f64 + 0.5) * slot, count / slot);
    // The last one is not full.
    let whole = counts.len().saturating_sub(1);
    counts[..whole].iter().enumerate().map(middle).collect()
}

fn frame(svg: &mut String, name: &str, report: &Report, axes: &Axes) -> fmt::Result {
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">"#
    )?;
    writeln!(svg, r##"<rect width="100%" height="100%" fill="#fff"/>"##)?;
    for tick in 0..=TICKS {
        let share = f64::from(tick) / f64::from(TICKS);
        let y = Axes::y(share);
        let second = axes.to * share;
        writeln!(
            svg,
            r##"<path d="M{LEFT} {y:.1}H{1}" stroke="#e5e7eb"/><text x="{2}" y="{y:.1}" dy="4" text-anchor="end" fill="#1d4ed8">{3:.7$}</text><text x="{4}" y="{y:.1}" dy="4" fill="#4d7c53">{5:.7$}/s</text><text x="{0:.1}" y="{6}" text-anchor="middle">{second:.0} s</text>"##,
            axes.x(second),
            WIDTH - RIGHT,
            LEFT - 6.0,
            axes.places * share,
            WIDTH - RIGHT + 6.0,
            axes.rate * share,
            HEIGHT - BOTTOM + 16.0,
            if axes.rate < 5.0 { 1 } else { 0 },
        )?;
    }
    let up = axes.x(UP_AT.as_secs_f64());
    writeln!(
        svg,
        r##"<path d="M{up:.1} {TOP}V{0}" stroke="#6b7280" stroke-dasharray="3 3"/><text x="{1:.1}" y="{2}" fill="#6b7280">back</text>"##,
        HEIGHT - BOTTOM,
        up + 3.0,
        TOP + 10.0,
    )?;
    let (refused, delivered) = (report.refused, report.delivered);
    writeln!(
        svg,
        r##"<text x="{LEFT}" y="16" font-weight="bold">{name}</text><text x="{LEFT}" y="32"><tspan fill="#1d4ed8">window</tspan> · <tspan fill="#4d7c53">deliveries a second</tspan> · <tspan fill="#b45309">pace</tspan> · <tspan fill="#dc2626">refusals: {refused}</tspan></text><text x="{0}" y="16" text-anchor="end">{delivered} messages</text>"##,
        WIDTH - RIGHT,
    )
}

fn curve(
    svg: &mut String,
    colour: &str,
    width: f64,
    points: impl Iterator<Item = (f64, f64)>,
) -> fmt::Result {
    write!(
        svg,
        r#"<polyline fill="none" stroke="{colour}" stroke-width="{width}" points=""#
    )?;
    for (x, y) in points {
        write!(svg, "{x:.1},{y:.1} ")?;
    }
    writeln!(svg, r#""/>"#)
}

/// The next value of an axis that reads well.
fn round_up(value: f64) -> f64 {
    let step = 10_f64.powf(value.log10().floor()) / 2.0;
    (value / step).ceil() * step
}
