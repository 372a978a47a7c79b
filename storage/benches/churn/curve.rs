//! The curve as an SVG that needs nothing else.

use std::fmt::{self, Write as _};

use crate::{Sample, megabytes};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 40.0;
/// Parts that an axis is divided into.
const TICKS: u32 = 5;

type Figure = fn(&Sample) -> u64;

/// Disk use and live bodies over time.
pub(crate) fn draw(samples: &[Sample]) -> Result<String, fmt::Error> {
    let largest = |of: fn(&Sample) -> f64| samples.iter().map(of).fold(1.0, f64::max);
    let second_max = largest(|sample| sample.second);
    let size_max = round_up(largest(|sample| megabytes(sample.disk_bytes)));
    let x = |second: f64| LEFT + (WIDTH - LEFT - RIGHT) * second / second_max;
    let y = |size: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * size / size_max;

    let mut svg = String::new();
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">"#
    )?;
    writeln!(svg, r##"<rect width="100%" height="100%" fill="#fff"/>"##)?;
    for tick in 0..=TICKS {
        let share = f64::from(tick) / f64::from(TICKS);
        let (second, size) = (second_max * share, size_max * share);
        writeln!(
            svg,
            r##"<path d="M{LEFT} {0:.1}H{1}" stroke="#ddd"/><text x="{2}" y="{0:.1}" dy="4" text-anchor="end">{size:.0} MB</text><text x="{3:.1}" y="{4}" text-anchor="middle">{second:.0} s</text>"##,
            y(size),
            WIDTH - RIGHT,
            LEFT - 6.0,
            x(second),
            HEIGHT - BOTTOM + 18.0,
        )?;
    }
    let lines: [(&str, &str, Figure); 2] = [
        ("disk", "#c2410c", |sample| sample.disk_bytes),
        ("live bodies", "#1d4ed8", |sample| sample.queued_bytes),
    ];
    let mut label = LEFT;
    for (name, colour, bytes) in lines {
        write!(
            svg,
            r#"<polyline fill="none" stroke="{colour}" stroke-width="2" points=""#
        )?;
        for sample in samples {
            let (x, y) = (x(sample.second), y(megabytes(bytes(sample))));
            write!(svg, "{x:.1},{y:.1} ")?;
        }
        writeln!(
            svg,
            r#""/><text x="{label}" y="24" fill="{colour}">{name}</text>"#
        )?;
        label += 80.0;
    }
    let accepted = samples.last().map_or(0, |sample| sample.accepted);
    writeln!(
        svg,
        r#"<text x="{}" y="24" text-anchor="end">{accepted} messages through the spool</text>"#,
        WIDTH - RIGHT
    )?;
    svg.push_str("</svg>\n");
    Ok(svg)
}

/// The next value of an axis that reads well.
fn round_up(value: f64) -> f64 {
    let step = 10_f64.powf(value.log10().floor()) / 2.0;
    (value / step).ceil() * step
}
