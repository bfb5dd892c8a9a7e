//! netflow_parser fed from memory or over UDP. One thread, as the crate's parser is.
//!   memory FILE PASSES   prints CPU ns, records
//!   udp PORT FILE        writes one JSON object per flow until SIGTERM
use netflow_parser::variable_versions::v9::FlowSetBody;
use netflow_parser::{AutoScopedParser, NetflowPacket};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

fn source(exporter: u16) -> SocketAddr {
    let [high, low] = (exporter + 1).to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, high, low)), 2055)
}

/// CPU time of this thread, which is the only one.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

fn memory(path: &str, passes: usize) {
    let bytes = std::fs::read(path).unwrap();
    let mut datagrams = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let exporter = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let length = u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]) as usize;
        datagrams.push((source(exporter), &bytes[at + 4..at + 4 + length]));
        at += 4 + length;
    }
    let mut parser = AutoScopedParser::new();
    let mut run = |passes: usize| {
        let mut records = 0;
        let start = cpu_ns();
        for _ in 0..passes {
            for (source, datagram) in &datagrams {
                let result = parser.parse_from_source(*source, datagram);
                for packet in &result.packets {
                    let NetflowPacket::V9(v9) = packet else { continue };
                    for set in &v9.flowsets {
                        if let FlowSetBody::Data(data) = &set.body {
                            records += data.fields.len();
                        }
                    }
                }
                std::hint::black_box(&result);
            }
        }
        (cpu_ns() - start, records)
    };
    run(passes / 4 + 1);
    let (ns, records) = run(passes);
    println!("{{\"cpuNs\":{ns},\"records\":{records}}}");
}

fn udp(port: &str, path: &str) {
    let socket = UdpSocket::bind(format!("127.0.0.1:{port}")).unwrap();
    let mut parser = AutoScopedParser::new();
    let mut out = BufWriter::with_capacity(1 << 16, File::create(path).unwrap());
    let mut buffer = [0u8; 65_535];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        for packet in parser.parse_from_source(from, &buffer[..length]).packets {
            let NetflowPacket::V9(v9) = packet else { continue };
            for set in &v9.flowsets {
                let FlowSetBody::Data(data) = &set.body else { continue };
                for record in &data.fields {
                    serde_json::to_writer(&mut out, record).unwrap();
                    out.write_all(b"\n").unwrap();
                }
            }
        }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args[1].as_str() {
        "memory" => memory(&args[2], args[3].parse().unwrap()),
        "udp" => udp(&args[2], &args[3]),
        other => panic!("unknown mode {other}"),
    }
}
