// Command konnectivity-bench measures one frontend's view of a tunnel with upstream's client
// library, and prints what it measured as one JSON object. It is also what tunnels are measured
// with, whoever made them: the target, and a link with a long round trip.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"sigs.k8s.io/apiserver-network-proxy/konnectivity-client/pkg/client"
)

type options struct {
	server, target, mode string
	listen               string
	roundTrip            time.Duration
	seconds              float64
	count                int
	tls                  *tls.Config
}

func main() {
	var o options
	var ca, cert, key string
	flag.StringVar(&ca, "ca", "", "CA of the server's certificate")
	flag.StringVar(&cert, "cert", "", "client certificate")
	flag.StringVar(&key, "key", "", "client key")
	flag.StringVar(&o.server, "server", "", "host:port of the tunnel server")
	flag.StringVar(&o.target, "target", "", "host:port of the target, as the agent sees it")
	flag.StringVar(&o.mode, "mode", "down", "down, up, dial, stall, slow or load; target or relay")
	flag.StringVar(&o.listen, "listen", "", "host:port of a target or relay")
	flag.DurationVar(&o.roundTrip, "round-trip", 0, "how far a relay is from its target")
	flag.Float64Var(&o.seconds, "seconds", 2, "how long to measure")
	flag.IntVar(&o.count, "count", 20, "how many dials")
	flag.Parse()
	if err := serveOrRun(o, ca, cert, key); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serveOrRun(o options, ca, cert, key string) error {
	switch o.mode {
	case "target":
		return serveTarget(o.listen)
	case "relay":
		return serveRelay(o.listen, o.target, o.roundTrip)
	}
	config, err := tlsConfig(ca, cert, key)
	if err != nil {
		return err
	}
	o.tls = config
	return run(o)
}

func run(o options) error {
	var result any
	var err error
	switch o.mode {
	case "down", "up":
		result, err = throughput(o)
	case "dial":
		result, err = dials(o)
	case "stall":
		result, err = stall(o)
	case "slow":
		result, err = slow(o)
	case "load":
		result, err = load(o)
	default:
		err = fmt.Errorf("unknown mode %q", o.mode)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func tlsConfig(ca, cert, key string) (*tls.Config, error) {
	pem, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in the CA file")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}, ServerName: "127.0.0.1"}, nil
}

// dial opens a tunnel of its own, as upstream's users do, and a connection through it.
func dial(o options) (net.Conn, error) {
	tunnel, err := client.CreateSingleUseGrpcTunnel(context.Background(), o.server,
		grpc.WithTransportCredentials(credentials.NewTLS(o.tls)))
	if err != nil {
		return nil, err
	}
	return tunnel.DialContext(context.Background(), "tcp", o.target)
}

// command dials and tells the target what to do.
func command(o options, what byte) (net.Conn, error) {
	conn, err := dial(o)
	if err != nil {
		return nil, err
	}
	_, err = conn.Write([]byte{what})
	return conn, err
}

func throughput(o options) (any, error) {
	what, move := byte('d'), net.Conn.Read
	if o.mode == "up" {
		what, move = 'u', net.Conn.Write
	}
	conn, err := command(o, what)
	if err != nil {
		return nil, err
	}
	buffer := make([]byte, 32*1024)
	start := time.Now()
	length := time.Duration(o.seconds * float64(time.Second))
	total := 0
	for time.Since(start) < length {
		n, err := move(conn, buffer)
		if err != nil {
			return nil, err
		}
		total += n
	}
	return map[string]float64{"bytes": float64(total), "seconds": time.Since(start).Seconds()}, nil
}

func dials(o options) (any, error) {
	times := make([]float64, 0, o.count)
	for range o.count {
		start := time.Now()
		conn, err := command(o, 'p')
		if err != nil {
			return nil, err
		}
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			return nil, err
		}
		times = append(times, float64(time.Since(start).Microseconds())/1000)
		_ = conn.Close()
	}
	return map[string][]float64{"milliseconds": times}, nil
}

// stall never reads what one connection gets, and measures round trips of another one.
func stall(o options) (any, error) {
	other, err := command(o, 'p')
	if err != nil {
		return nil, err
	}
	quiet, err := rounds(other, time.Second)
	if err != nil {
		return nil, err
	}
	if _, err := command(o, 'd'); err != nil {
		return nil, err
	}
	stalled, err := rounds(other, time.Duration(o.seconds*float64(time.Second)))
	if err != nil {
		return nil, err
	}
	return map[string][]float64{"quiet": quiet, "stalled": stalled}, nil
}

// rounds sends a byte and awaits it, again and again, and returns the milliseconds of each.
func rounds(conn net.Conn, length time.Duration) ([]float64, error) {
	var times []float64
	buffer := make([]byte, 1)
	for start := time.Now(); time.Since(start) < length; time.Sleep(5 * time.Millisecond) {
		began := time.Now()
		if _, err := conn.Write(buffer); err != nil {
			return nil, err
		}
		for {
			n, err := conn.Read(buffer)
			// The library gives up after ten seconds; what was asked for still comes.
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && err.Error() != "timeout" {
				return nil, err
			}
			if n > 0 || time.Since(began) > 15*time.Second {
				break
			}
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
	}
	return times, nil
}
