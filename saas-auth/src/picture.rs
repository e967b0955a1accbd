//! Pictures that people send, made anew: what leaves here was written by our own encoder and has nothing of the file but its pixels.

use std::io::Cursor;

use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, RgbImage,
    codecs::jpeg::JpegEncoder,
    error::{LimitError, LimitErrorKind},
    imageops::FilterType,
};

/// The most bytes that a picture may have as it is sent.
pub(crate) const MAX_BYTES: usize = 10 << 20;

/// The longest side, in pixels.
pub(crate) const MAX_SIDE: u32 = 10_000;

/// The most memory that a picture may take once it is unpacked: 25 megapixels of colour with transparency.
const MAX_UNPACKED: u64 = 100_000_000;

/// The kinds that browsers show and cameras make. What a picture is, its first bytes say, and never its name or its sender.
const FORMATS: [ImageFormat; 4] = [ImageFormat::Gif, ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];

/// Their media types, for the list that a browser shows.
pub(crate) const ACCEPT: &str = "image/gif,image/jpeg,image/png,image/webp";

/// The sides of the two squares that are made, in pixels.
pub(crate) const SMALL: u32 = 64;
pub(crate) const LARGE: u32 = 256;

/// How much of a picture is kept: past this nobody sees a difference on a square of this size.
const QUALITY: u8 = 85;

/// A picture in both sizes, as JPEG.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) small: Vec<u8>,
    pub(crate) large: Vec<u8>,
}

/// A picture cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// It is none of the kinds that are taken.
    #[error("the file is no GIF, JPEG, PNG or WebP picture")]
    Kind,
    /// It has too many pixels, whatever it weighs.
    #[error("the picture has too many pixels")]
    TooManyPixels,
    /// It is cut off or damaged.
    #[error("the picture cannot be read")]
    Broken(#[source] ImageError),
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooManyPixels,
            error => Self::Broken(error),
        }
    }
}

/// Reads a picture and makes both sizes of its middle. Of one that moves it is the first moment.
///
/// # Security
///
/// Its head is looked at before memory is taken for its pixels: a small file can claim to be a huge picture.
pub(crate) fn picture(bytes: &[u8]) -> Result<Picture, PictureError> {
    let format = image::guess_format(bytes).ok().filter(|format| FORMATS.contains(format)).ok_or(PictureError::Kind)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(2 * MAX_UNPACKED);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    if decoder.total_bytes() > MAX_UNPACKED {
        return Err(ImageError::Limits(LimitError::from_kind(LimitErrorKind::DimensionError)).into());
    }
    // A camera writes down how it was held; that goes with the rest of what it wrote.
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    // The middle first: a thread of pixels that is made wider would grow with its length.
    let (width, height) = (image.width(), image.height());
    let side = width.min(height);
    let large = image.crop_imm((width - side) / 2, (height - side) / 2, side, side).resize_exact(LARGE, LARGE, FilterType::Triangle);
    drop(image);
    let small = large.resize_exact(SMALL, SMALL, FilterType::Triangle);
    Ok(Picture { small: encode(&small)?, large: encode(&large)? })
}

fn encode(image: &DynamicImage) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode_image(&on_white(image))?;
    Ok(bytes)
}

/// What shines through is white.
fn on_white(image: &DynamicImage) -> RgbImage {
    let image = image.to_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0;
        let mixed = |channel: u8| {
            let (channel, alpha) = (u16::from(channel), u16::from(alpha));
            // At most 255, since both parts together are.
            u8::try_from((channel * alpha + 255 * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
        };
        image::Rgb([red, green, blue].map(mixed))
    })
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage, codecs::gif::GifEncoder};

    use super::*;

    fn encoded(image: &RgbaImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let image = DynamicImage::ImageRgba8(image.clone());
        let image = if format == ImageFormat::Jpeg { DynamicImage::ImageRgb8(image.to_rgb8()) } else { image };
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Red on the left, blue on the right.
    fn halves(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_fn(width, height, |x, _| if x < width / 2 { Rgba([200, 0, 0, 255]) } else { Rgba([0, 0, 200, 255]) })
    }

    fn decoded(bytes: &[u8]) -> RgbImage {
        assert_eq!(image::guess_format(bytes).unwrap(), ImageFormat::Jpeg);
        image::load_from_memory(bytes).unwrap().to_rgb8()
    }

    /// Whether a pixel is about this colour.
    fn is_about(pixel: &image::Rgb<u8>, colour: [u8; 3]) -> bool {
        pixel.0.iter().zip(colour).all(|(is, wanted)| is.abs_diff(wanted) < 40)
    }

    /// AUT-14: every kind that is taken becomes the same two squares of its middle.
    #[test]
    fn every_kind_of_picture_becomes_two_squares() {
        for format in FORMATS {
            for (width, height) in [(600, 300), (300, 600), (1, 1), (3, 9_000)] {
                let made = picture(&encoded(&halves(width, height), format)).unwrap();
                let (small, large) = (decoded(&made.small), decoded(&made.large));
                assert_eq!((small.dimensions(), large.dimensions()), ((SMALL, SMALL), (LARGE, LARGE)), "{format:?} {width}x{height}");
                if width > 1 {
                    assert!(is_about(large.get_pixel(20, 128), [200, 0, 0]) && is_about(large.get_pixel(236, 128), [0, 0, 200]));
                }
            }
        }
    }

    /// AUT-14: what is no picture, calls itself one, or is one with something behind it.
    #[test]
    fn what_is_no_picture_of_a_kind_that_is_taken_is_refused() {
        let bmp = encoded(&halves(4, 4), ImageFormat::Png);
        for bytes in [
            b"".as_slice(),
            b"GIF",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
            b"<!doctype html><script>alert(1)</script>",
            b"%PDF-1.7\n",
            b"MZ\x90\x00",
            b"BM\x3a\x00\x00\x00\x00\x00\x00\x00\x36\x00",
            b"II*\x00\x08\x00\x00\x00",
            b"\x00\x00\x01\x00\x01\x00",
            b"\x00\x00\x00\x20ftypavif",
            b"PK\x03\x04",
        ] {
            assert!(matches!(picture(bytes), Err(PictureError::Kind)), "{bytes:?}");
        }
        for head in [b"\x89PNG\r\n\x1a\n<script>".as_slice(), b"GIF89a<script>alert(1)</script>", b"\xff\xd8\xff<?php", b"RIFF\0\0\0\0WEBP"]
        {
            assert!(picture(head).is_err(), "{head:?}");
        }
        let mut polyglot = bmp;
        polyglot.extend_from_slice(b"<script>alert('canary')</script>PK\x03\x04");
        let made = picture(&polyglot).unwrap();
        assert!(!made.large.windows(6).chain(made.small.windows(6)).any(|window| window == b"canary"), "only the pixels are left");
    }

    /// AUT-14: wherever it breaks off it is refused or shows what there was, and nothing panics.
    #[test]
    fn a_picture_that_is_cut_off_or_damaged_harms_nobody() {
        for format in FORMATS {
            let whole = encoded(&halves(64, 48), format);
            for length in (0..whole.len()).step_by(7) {
                drop(picture(&whole[..length]));
            }
            // Of a JPEG there is something to show as soon as its tables are there.
            assert!(format == ImageFormat::Jpeg || picture(&whole[..whole.len() / 3]).is_err(), "{format:?}");
            for position in (0..whole.len()).step_by(5) {
                let mut damaged = whole.clone();
                damaged[position] ^= 0xff;
                drop(picture(&damaged));
            }
        }
    }

    /// A PNG that says how large it is, with a checksum that holds.
    fn png_of(width: u32, height: u32, depth: u8) -> Vec<u8> {
        let mut head = b"IHDR".to_vec();
        head.extend(width.to_be_bytes());
        head.extend(height.to_be_bytes());
        head.extend([depth, 6, 0, 0, 0]);
        let mut png = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d".to_vec();
        png.extend(&head);
        png.extend(crc32fast::hash(&head).to_be_bytes());
        // An empty IDAT, so that a reader gets as far as it dares.
        png.extend(b"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e");
        png
    }

    /// AUT-14: a few bytes that unpack to gigabytes are refused by their head.
    #[test]
    fn a_picture_that_would_fill_the_memory_is_refused_by_its_head() {
        for (width, height, depth) in
            [(10_001, 1, 8), (1, 10_001, 8), (10_000, 10_000, 8), (u32::MAX >> 1, u32::MAX >> 1, 8), (5_000, 5_000, 16)]
        {
            let refused = picture(&png_of(width, height, depth));
            assert!(matches!(refused, Err(PictureError::TooManyPixels)), "{width}x{height}: {refused:?}");
        }
        let mut gif = b"GIF89a".to_vec();
        gif.extend([0xff, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
        gif.extend([0x2c, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 2, 2, 0x44, 1, 0, 0x3b]);
        assert!(picture(&gif).is_err());
        // A real one: 25 megapixels of one colour are a few kilobytes.
        let bomb = encoded(&RgbaImage::new(6_000, 6_000), ImageFormat::Png);
        assert!(bomb.len() < MAX_BYTES);
        assert!(matches!(picture(&bomb), Err(PictureError::TooManyPixels)));
    }

    /// AUT-14: what a camera wrote is gone, and the picture stands upright nevertheless.
    #[test]
    fn what_a_camera_wrote_is_gone_and_the_picture_stands_upright() {
        let plain = encoded(&halves(120, 120), ImageFormat::Jpeg);
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        exif.extend_from_slice(b"GPS canary 52.5200 13.4050");
        let mut bytes = plain[..2].to_vec();
        bytes.extend([0xff, 0xe1]);
        bytes.extend(u16::try_from(exif.len() + 2).unwrap().to_be_bytes());
        bytes.extend(&exif);
        bytes.extend([0xff, 0xfe, 0, 8]);
        bytes.extend(b"canary");
        bytes.extend(&plain[2..]);
        let made = picture(&bytes).unwrap();
        let large = decoded(&made.large);
        assert!(
            is_about(large.get_pixel(128, 20), [200, 0, 0]),
            "turned to the right, the left side is above: {:?}",
            large.get_pixel(128, 20)
        );
        for bytes in [&made.large, &made.small] {
            assert!(!bytes.windows(6).any(|window| window == b"canary") && !bytes.windows(4).any(|window| window == b"Exif"));
        }
    }

    /// AUT-14: of what moves, the first moment; what shines through is white.
    #[test]
    fn an_animation_becomes_its_first_moment_and_what_is_transparent_white() {
        let mut bytes = Vec::new();
        let frame = |colour| image::Frame::new(RgbaImage::from_pixel(32, 32, Rgba(colour)));
        GifEncoder::new(&mut bytes).encode_frames([frame([0, 160, 0, 255]), frame([200, 0, 0, 255])]).unwrap();
        assert!(is_about(decoded(&picture(&bytes).unwrap().large).get_pixel(128, 128), [0, 160, 0]));
        let clear = encoded(&RgbaImage::new(32, 32), ImageFormat::Png);
        assert!(is_about(decoded(&picture(&clear).unwrap().small).get_pixel(32, 32), [255, 255, 255]));
    }
}
