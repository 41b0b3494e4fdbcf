//! Intervals for shares: how many of all are lost or open, when some of so many were.

use statrs::distribution::{Beta, ContinuousCDF as _};

/// The exact 95 % interval of a share (Clopper and Pearson), from the number of successes among so many.
///
/// It is 0 to 1 where nothing was tried.
#[must_use]
pub fn clopper_pearson(successes: u32, of: u32) -> (f64, f64) {
    if of == 0 || successes > of {
        return (0.0, 1.0);
    }
    let (hits, misses) = (f64::from(successes), f64::from(of - successes));
    let lower = if successes == 0 { 0.0 } else { quantile(hits, misses + 1.0, 0.025) };
    let upper = if successes == of { 1.0 } else { quantile(hits + 1.0, misses, 0.975) };
    (lower, upper)
}

/// The 95 % interval of the share of a relay's ports that are open. Where all that were tried are, it is one-sided: so many clean passes
/// are had by chance, once in twenty, of ports of which only this share is open.
#[must_use]
pub fn open_share(open: u32, tried: u32) -> (f64, f64) {
    if tried > 0 && open == tried { (0.05_f64.powf(1.0 / f64::from(tried)), 1.0) } else { clopper_pearson(open, tried) }
}

fn quantile(a: f64, b: f64, p: f64) -> f64 {
    Beta::new(a, b).map_or(f64::NAN, |beta| beta.inverse_cdf(p))
}

/// How often one look may accuse wrongly. A run looks many times: after each round of packets, at each address, at the way to the
/// server and at the relay's. With the usual 2.5 % some of a thousand healthy lines near the threshold were called lossy.
const LOOK_ERROR: f64 = 0.0001;

/// The share that is exceeded so surely that an accusation may rest on it.
#[must_use]
pub fn surely_over(successes: u32, of: u32) -> f64 {
    if successes == 0 || successes > of {
        return 0.0;
    }
    quantile(f64::from(successes), f64::from(of - successes) + 1.0, LOOK_ERROR)
}

/// The share that is as surely not reached.
#[must_use]
pub fn surely_under(successes: u32, of: u32) -> f64 {
    if successes >= of {
        return 1.0;
    }
    quantile(f64::from(successes) + 1.0, f64::from(of - successes), 1.0 - LOOK_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_tables() {
        let close = |(lower, upper): (f64, f64), expected: (f64, f64)| {
            assert!((lower - expected.0).abs() < 0.001 && (upper - expected.1).abs() < 0.001, "{lower} {upper}");
        };
        close(clopper_pearson(0, 10), (0.0, 0.3085));
        close(clopper_pearson(5, 50), (0.0333, 0.2181));
        close(clopper_pearson(10, 10), (0.6915, 1.0));
    }

    #[test]
    fn clean_passes_tell_the_least_share_that_is_open() {
        for (passes, share) in [(8, 0.69), (16, 0.83), (32, 0.91), (64, 0.95), (299, 0.99)] {
            let (lower, upper) = open_share(passes, passes);
            assert!((lower - share).abs() < 0.005 && (upper - 1.0).abs() < 1e-9, "{passes}: {lower}");
        }
        assert_eq!(open_share(0, 0), (0.0, 1.0));
        assert_eq!(open_share(5, 10), clopper_pearson(5, 10));
    }

    #[test]
    fn an_accusation_needs_more_than_the_interval() {
        // Six of sixty: the 95 % interval begins at 3.8 %, and a line that loses 3 % shows it once in a hundred looks.
        assert!(clopper_pearson(6, 60).0 > 0.03 && surely_over(6, 60) < 0.03);
        assert!(surely_over(9, 60) > 0.03);
        assert!(surely_under(0, 80) > 0.1 && surely_under(0, 200) < 0.05);
    }
}
