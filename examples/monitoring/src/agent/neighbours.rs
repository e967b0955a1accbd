//! The kernel's neighbour (ARP) table.
//!
//! A host that drops everything still answers ARP, or it could not take part in the network. Sending it anything makes the
//! kernel ask; the answer then stands in the table. Reading it needs no privilege.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    time::Duration,
};

use super::{protocol::MacAddress, tcp::is_unreachable};

/// How long the kernel may take to notice that a neighbour it knew is gone: Linux trusts an old entry for
/// `delay_first_probe_time` (5 s) after it is used, then asks `ucast_solicit` (3) times, one second apart.
pub(super) const SETTLING: Duration = Duration::from_secs(9);

/// How often an address is poked while its entry settles. An entry that was confirmed shortly before the first poke
/// turns old only later, and is asked about only when it is used after that.
pub(super) const POKE_EVERY: Duration = Duration::from_secs(1);

/// Datagrams wait in their socket until ARP is answered; this many fit (`wmem_default`, 208 KiB).
const POKES_PER_SOCKET: usize = 200;

/// The discard port (RFC 863).
const DISCARD: u16 = 9;

/// What the kernel knows of an address in a network that it is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neighbour {
    /// It answered at some time, perhaps long ago.
    Present(MacAddress),
    /// It was asked and has not answered.
    Absent,
}

/// The table, by address.
pub(super) type Table = HashMap<IpAddr, Neighbour>;

/// Reads the table; empty where the system has none that we can read.
///
/// # Errors
///
/// The table exists and cannot be read.
pub(super) async fn read() -> Result<Table, io::Error> {
    if cfg!(target_os = "linux") {
        // A file of the kernel's own: reading it does not wait for a disk.
        return std::fs::read_to_string("/proc/net/arp").map(|text| parse_proc(&text));
    }
    let output = tokio::process::Command::new("arp").arg("-an").kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(5), output).await??;
    Ok(parse_arp(&String::from_utf8_lossy(&output.stdout)))
}

/// Sends an empty datagram to each address, so that the kernel asks for those it does not know or no longer trusts.
///
/// # Errors
///
/// Datagrams cannot be sent at all.
pub(super) fn poke(addresses: &[IpAddr]) -> Result<(), io::Error> {
    for addresses in addresses.chunks(POKES_PER_SOCKET) {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        socket.set_nonblocking(true)?;
        for address in addresses.iter().filter(|address| address.is_ipv4()) {
            match socket.send_to(&[], SocketAddr::new(*address, DISCARD)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock || is_unreachable(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// `/proc/net/arp`: address, hardware type, flags, hardware address, mask, device. Flag 2 says that the entry is complete.
fn parse_proc(text: &str) -> Table {
    let line = |line: &str| {
        let mut columns = line.split_ascii_whitespace();
        let address = columns.next()?.parse().ok()?;
        let flags = columns.nth(1)?.strip_prefix("0x")?;
        let complete = u32::from_str_radix(flags, 16).ok()? & 2 != 0;
        let mac = columns.next()?;
        Some((address, if complete { neighbour(mac) } else { Neighbour::Absent }))
    };
    text.lines().skip(1).filter_map(line).collect()
}

/// `arp -an` of BSD and macOS: `? (10.0.0.1) at 0:1b:2:ff:a:9 on en0 …`, or `at (incomplete)`.
fn parse_arp(text: &str) -> Table {
    let line = |line: &str| {
        let (_, rest) = line.split_once('(')?;
        let (address, rest) = rest.split_once(") at ")?;
        Some((address.parse().ok()?, neighbour(rest.split_ascii_whitespace().next()?)))
    };
    text.lines().filter_map(line).collect()
}

/// Whoever did not answer has zeros or `(incomplete)` for an address; what has one that is no Ethernet's cannot be remembered, and is as absent.
fn neighbour(mac: &str) -> Neighbour {
    match mac.parse::<MacAddress>() {
        Ok(mac) if !mac.is_zero() => Neighbour::Present(mac),
        Ok(_) | Err(_) => Neighbour::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(mac: &str) -> Option<Neighbour> {
        Some(Neighbour::Present(mac.parse().unwrap()))
    }

    #[test]
    fn the_table_of_linux_tells_complete_entries_from_unanswered_ones() {
        let table = parse_proc(
            "IP address       HW type     Flags       HW address            Mask     Device\n\
             10.99.0.21       0x1         0x2         16:89:28:7e:88:32     *        br0\n\
             10.99.0.22       0x1         0x6         16:89:28:7e:88:33     *        br0\n\
             10.99.0.200      0x1         0x0         00:00:00:00:00:00     *        br0\n\
             10.99.0.201      0x1         0x0         16:89:28:7e:88:34     *        br0\n\
             torn\n",
        );
        let get = |address: &str| table.get(&address.parse().unwrap()).copied();
        assert_eq!(get("10.99.0.21"), present("16:89:28:7e:88:32"));
        assert_eq!(get("10.99.0.22"), present("16:89:28:7e:88:33"));
        assert_eq!(get("10.99.0.200"), Some(Neighbour::Absent));
        assert_eq!(get("10.99.0.201"), Some(Neighbour::Absent));
        assert_eq!(table.len(), 4);
    }

    #[test]
    fn the_table_of_macos_is_read_too() {
        let table = parse_arp(
            "? (192.168.1.1) at 0:1b:2:ff:a:9 on en0 ifscope [ethernet]\n\
             nas.local (192.168.1.7) at 10:1b:2c:ff:a0:90 on en0 ifscope [ethernet]\n\
             ? (192.168.1.8) at (incomplete) on en0 ifscope [ethernet]\n",
        );
        let get = |address: &str| table.get(&address.parse().unwrap()).copied();
        assert_eq!(get("192.168.1.1"), present("00:1b:02:ff:0a:09"));
        assert_eq!(get("192.168.1.7"), present("10:1b:2c:ff:a0:90"));
        assert_eq!(get("192.168.1.8"), Some(Neighbour::Absent));
    }
}
