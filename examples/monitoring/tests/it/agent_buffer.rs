//! What the agent saw stays on disk, in order, until the server has it.

use std::{fs, net::IpAddr, path::Path, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use monitoring::agent::{
    Batch, Buffer, Networks,
    protocol::{MAX_PER_REQUEST, Reading, Status},
};

const MIB: u64 = 1024 * 1024;

fn start() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2025-03-01T10:00:00Z").unwrap().to_utc()
}

/// The readings of one check of some devices.
fn round(number: i32, devices: u32) -> Batch {
    let at = start() + TimeDelta::seconds(30) * number;
    let reading =
        |device: u32| Reading { address: IpAddr::from((0x0a07_0000_u32 + device).to_be_bytes()), at, up: true, latency_us: Some(312) };
    Batch::Readings(Status { readings: (1..=devices).map(reading).collect() })
}

/// Takes everything out, as the sender does when the server acknowledges all.
fn drain(buffer: &Buffer) -> Vec<Batch> {
    std::iter::from_fn(|| {
        let entry = buffer.next().unwrap()?;
        buffer.confirm(entry.position).unwrap();
        Some(entry.batch)
    })
    .collect()
}

fn segments(dir: &Path) -> Vec<std::path::PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    let mut segments: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "segment")).collect();
    segments.sort();
    segments
}

#[test]
fn an_hour_offline_with_250_devices_survives_restarts_and_comes_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let rounds: Vec<_> = (0..120).map(|number| round(number, 250)).collect();
    for part in rounds.chunks(50) {
        let buffer = Buffer::open(dir.path(), 64 * MIB).unwrap();
        for round in part {
            buffer.append(std::slice::from_ref(round)).unwrap();
        }
    }
    let buffer = Buffer::open(dir.path(), 64 * MIB).unwrap();
    assert_eq!(buffer.readings(), 30_000);
    assert_eq!(drain(&buffer), rounds);
    assert_eq!((buffer.readings(), buffer.dropped_readings()), (0, 0));
}

/// As many devices as a plan has at one place: every address of these networks, each check in as many requests as it takes.
#[test]
fn an_hour_offline_of_ten_thousand_devices_fits_into_the_default_room() {
    let networks = Networks::new(["10.7.0.0/19", "10.7.32.0/21"].map(|network| network.parse().unwrap())).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), networks.buffer_bytes()).unwrap();
    // As wide as readings of IPv4 come.
    let reading = |number: i32, device: u32| Reading {
        address: IpAddr::from((0x0a07_0000_u32 + device).to_be_bytes()),
        at: start() + TimeDelta::seconds(30) * number + TimeDelta::microseconds(123_456),
        up: true,
        latency_us: Some(1_000_000),
    };
    for number in 0..120 {
        let readings: Vec<_> = (1..=10_000).map(|device| reading(number, device)).collect();
        let parts = readings.chunks(MAX_PER_REQUEST);
        let batches: Vec<_> = parts.map(|part| Batch::Readings(Status { readings: part.to_vec() })).collect();
        buffer.append(&batches).unwrap();
    }
    assert_eq!((buffer.readings(), buffer.dropped_readings()), (1_200_000, 0));
    let Batch::Readings(oldest) = buffer.next().unwrap().unwrap().batch else { panic!("what was checked is no device that was found") };
    assert_eq!(oldest.readings.first(), Some(&reading(0, 1)));
}

#[test]
fn what_was_confirmed_does_not_come_back_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), MIB).unwrap();
    buffer.append(&[round(0, 2), round(1, 2), round(2, 2)]).unwrap();
    let first = buffer.next().unwrap().unwrap();
    assert_eq!(buffer.next().unwrap().unwrap().position, first.position, "a batch leaves only when it is confirmed");
    buffer.confirm(first.position).unwrap();
    buffer.confirm(first.position).unwrap();
    drop(buffer);
    let buffer = Buffer::open(dir.path(), MIB).unwrap();
    assert_eq!(buffer.readings(), 4);
    assert_eq!(drain(&buffer), [round(1, 2), round(2, 2)]);
    buffer.append(&[round(3, 1)]).unwrap();
    drop(buffer);
    assert_eq!(drain(&Buffer::open(dir.path(), MIB).unwrap()), [round(3, 1)]);
}

#[test]
fn a_line_that_was_cut_anywhere_costs_only_itself() {
    let whole = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(whole.path(), MIB).unwrap();
    buffer.append(&[round(0, 1)]).unwrap();
    let kept = fs::metadata(&segments(whole.path())[0]).unwrap().len();
    buffer.append(&[round(1, 1)]).unwrap();
    drop(buffer);
    let text = fs::read(&segments(whole.path())[0]).unwrap();
    for length in usize::try_from(kept).unwrap()..text.len() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(segments(whole.path())[0].file_name().unwrap()), &text[..length]).unwrap();
        let buffer = Buffer::open(dir.path(), MIB).unwrap();
        buffer.append(&[round(2, 1)]).unwrap();
        assert_eq!(drain(&buffer), [round(0, 1), round(2, 1)], "cut at {length}");
    }
}

#[test]
fn a_damaged_batch_is_skipped_and_the_ones_around_it_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), MIB).unwrap();
    buffer.append(&[round(0, 1), round(1, 1), round(2, 1)]).unwrap();
    drop(buffer);
    let segment = segments(dir.path()).remove(0);
    let mut text = fs::read(&segment).unwrap();
    let middle = text.len() / 2;
    text[middle] ^= 1;
    fs::write(&segment, text).unwrap();
    let buffer = Buffer::open(dir.path(), MIB).unwrap();
    assert_eq!(buffer.readings(), 2);
    assert_eq!(drain(&buffer), [round(0, 1), round(2, 1)]);
}

#[test]
fn a_lost_or_damaged_cursor_sends_again_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), MIB).unwrap();
    buffer.append(&[round(0, 1), round(1, 1)]).unwrap();
    buffer.confirm(buffer.next().unwrap().unwrap().position).unwrap();
    drop(buffer);
    fs::write(dir.path().join("cursor"), "1 4").unwrap();
    assert_eq!(drain(&Buffer::open(dir.path(), MIB).unwrap()), [round(0, 1), round(1, 1)]);
}

#[test]
fn a_full_buffer_drops_its_oldest_readings_counts_them_and_stays_within_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), MIB / 4).unwrap();
    let rounds: Vec<_> = (0..60).map(|number| round(number, 250)).collect();
    let mut peak = 0;
    for round in &rounds {
        buffer.append(std::slice::from_ref(round)).unwrap();
        peak = peak.max(segments(dir.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum());
    }
    assert!(peak <= MIB / 4, "{peak} bytes on disk");
    let kept = drain(&buffer);
    assert!(!kept.is_empty());
    assert_eq!(kept, rounds[rounds.len() - kept.len()..]);
    assert_eq!(buffer.dropped_readings(), u64::try_from(250 * (rounds.len() - kept.len())).unwrap());
}

#[test]
fn a_batch_that_was_dropped_while_it_was_sent_takes_no_other_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), MIB / 4).unwrap();
    buffer.append(&[round(0, 250)]).unwrap();
    let sending = buffer.next().unwrap().unwrap();
    let mut number = 0;
    while buffer.dropped_readings() == 0 {
        number += 1;
        buffer.append(&[round(number, 250)]).unwrap();
    }
    let before = buffer.readings();
    buffer.confirm(sending.position).unwrap();
    assert_eq!(buffer.readings(), before);
}

#[test]
fn rejected_batches_are_set_aside_with_the_reason_and_only_the_last_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), MIB).unwrap();
    for number in 0..40 {
        buffer.append(&[round(number, 1)]).unwrap();
        let entry = buffer.next().unwrap().unwrap();
        let path = buffer.reject(&entry, "the address is not accepted").unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains("the address is not accepted") && text.contains("10.7.0.1"), "{text}");
    }
    assert_eq!(fs::read_dir(dir.path().join("rejected")).unwrap().count(), 32);
    assert!(buffer.next().unwrap().is_none());
}

#[test]
fn confirmed_segments_leave_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), MIB).unwrap();
    for number in 0..100 {
        buffer.append(&[round(number, 250)]).unwrap();
        drain(&buffer);
    }
    let bytes: u64 = segments(dir.path()).iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(bytes < MIB / 8, "{bytes} bytes are left after everything was confirmed");
}

#[test]
fn recording_and_sending_at_once_lose_and_reorder_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let buffer = Buffer::open(dir.path(), 64 * MIB).unwrap();
    let rounds: Vec<_> = (0..300).map(|number| round(number, 20)).collect();
    let writer = {
        let (buffer, rounds) = (buffer.clone(), rounds.clone());
        std::thread::spawn(move || rounds.iter().for_each(|round| buffer.append(std::slice::from_ref(round)).unwrap()))
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    let mut read = Vec::new();
    while read.len() < rounds.len() && std::time::Instant::now() < deadline {
        read.extend(drain(&buffer));
        std::thread::yield_now();
    }
    writer.join().unwrap();
    assert_eq!(read, rounds);
}
