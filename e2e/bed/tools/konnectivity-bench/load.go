package main

import (
	"io"
	"sync"
	"time"
)

// a round is a request as far as a tunnel knows: a dial, a byte there and back, the end.
type round struct {
	// When it ended, in milliseconds since the start.
	At float64 `json:"at"`
	OK bool    `json:"ok"`
}

const loaders = 16

// load makes rounds as fast as they come, several at once, and returns how each one ended.
func load(o options) (any, error) {
	start := time.Now()
	end := start.Add(time.Duration(o.seconds * float64(time.Second)))
	var lock sync.Mutex
	var rounds []round
	var group sync.WaitGroup
	for range loaders {
		group.Add(1)
		go func() {
			defer group.Done()
			for time.Now().Before(end) {
				ok := makeRound(o)
				lock.Lock()
				rounds = append(rounds, round{float64(time.Since(start).Microseconds()) / 1000, ok})
				lock.Unlock()
				if !ok {
					// Callers that fail at once wait a little before they try again.
					time.Sleep(10 * time.Millisecond)
				}
			}
		}()
	}
	group.Wait()
	return map[string]any{"startedAt": start.UnixMilli(), "rounds": rounds}, nil
}

func makeRound(o options) bool {
	conn, err := command(o, 'p')
	if err != nil {
		return false
	}
	defer conn.Close()
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err == nil
}

// slow reads one megabyte a second of a download and measures another connection meanwhile.
func slow(o options) (any, error) {
	other, err := command(o, 'p')
	if err != nil {
		return nil, err
	}
	quiet, err := rounds(other, time.Second)
	if err != nil {
		return nil, err
	}
	conn, err := command(o, 'd')
	if err != nil {
		return nil, err
	}
	go func() {
		buffer := make([]byte, 10*1000)
		for range time.Tick(10 * time.Millisecond) {
			if _, err := io.ReadFull(conn, buffer); err != nil {
				return
			}
		}
	}()
	busy, err := rounds(other, time.Duration(o.seconds*float64(time.Second)))
	if err != nil {
		return nil, err
	}
	return map[string][]float64{"quiet": quiet, "stalled": busy}, nil
}
