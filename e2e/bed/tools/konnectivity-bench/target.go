package main

import (
	"io"
	"net"
	"time"
)

const chunkBytes = 256 * 1024

// serveTarget is what tunnels lead to. The first byte of a connection says what it wants: "d" to
// download without end, "u" to upload, anything else to be echoed.
func serveTarget(address string) error {
	return accept(address, func(conn net.Conn) {
		defer conn.Close()
		first := make([]byte, 1)
		if _, err := io.ReadFull(conn, first); err != nil {
			return
		}
		buffer := make([]byte, chunkBytes)
		switch first[0] {
		case 'd':
			for {
				if _, err := conn.Write(buffer); err != nil {
					return
				}
			}
		case 'u':
			for {
				if _, err := conn.Read(buffer); err != nil {
					return
				}
			}
		default:
			if _, err := conn.Write(first); err != nil {
				return
			}
			_, _ = io.Copy(conn, conn)
		}
	})
}

// serveRelay stands for a link with a long round trip: all bytes come half of it later, in order.
// What is on the way is bounded by the senders' windows.
func serveRelay(address, to string, roundTrip time.Duration) error {
	return accept(address, func(near net.Conn) {
		far, err := net.Dial("tcp", to)
		if err != nil {
			near.Close()
			return
		}
		go delay(near, far, roundTrip/2)
		delay(far, near, roundTrip/2)
	})
}

type delayed struct {
	bytes []byte
	due   time.Time
}

func delay(from, to net.Conn, by time.Duration) {
	// More than any window of a sender.
	waiting := make(chan delayed, 1<<16)
	go func() {
		defer close(waiting)
		buffer := make([]byte, chunkBytes)
		for {
			n, err := from.Read(buffer)
			if n > 0 {
				waiting <- delayed{append([]byte(nil), buffer[:n]...), time.Now().Add(by)}
			}
			if err != nil {
				return
			}
		}
	}()
	for next := range waiting {
		time.Sleep(time.Until(next.due))
		if _, err := to.Write(next.bytes); err != nil {
			break
		}
	}
	to.Close()
	from.Close()
}

func accept(address string, serve func(net.Conn)) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go serve(conn)
	}
}
