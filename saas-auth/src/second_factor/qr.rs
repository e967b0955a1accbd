use qrcode::{Color, EcLevel, QrCode};
use saas_core::Problem;
use serde::Serialize;

/// A text as a picture that a phone reads.
#[derive(Debug, Serialize)]
pub(crate) struct Qr {
    /// How many modules wide and high it is, with the margin that readers need.
    pub(crate) size: usize,
    /// Its dark modules, as the `d` of an SVG path.
    pub(crate) path: String,
}

/// Modules around the code (ISO/IEC 18004, 9.1).
const MARGIN: usize = 4;

impl Qr {
    pub(crate) fn of(text: &str) -> Result<Self, Problem> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(Problem::internal)?;
        let width = code.width();
        let colors = code.to_colors();
        let dark = colors.iter().enumerate().filter(|(_, color)| **color == Color::Dark);
        let path = dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + MARGIN, at / width + MARGIN)).collect();
        Ok(Self { size: width + 2 * MARGIN, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second opinion: another program reads what is drawn.
    #[test]
    fn a_reader_reads_what_was_written() {
        const MODULE: usize = 4;
        let text = "otpauth://totp/Monitoring:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Monitoring";
        let qr = Qr::of(text).unwrap();
        let dark: Vec<(usize, usize)> = qr
            .path
            .split('M')
            .filter_map(|module| module.strip_suffix("h1v1h-1z"))
            .map(|at| at.split_once(' ').map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).unwrap())
            .collect();
        let size = qr.size * MODULE;
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(size, size, |x, y| if dark.contains(&(x / MODULE, y / MODULE)) { 0 } else { 255 });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        assert_eq!(grids[0].decode().unwrap().1, text);
    }
}
