// follow.go owns the streaming of output and exit to the host; it never frees output.

package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"

	guestv1 "pyro/guest/internal/gen/pyro/guest/v1"
)

// Faster ones would only cost.
const shortestBeatMs = 10

func (s *Service) Follow(ctx context.Context, request *connect.Request[guestv1.FollowRequest], stream *connect.ServerStream[guestv1.FollowResponse]) error {
	r, err := s.find(ctx, request.Msg.ProcessId)
	if err != nil {
		return err
	}
	stdout, stderr := request.Msg.StdoutCursor, request.Msg.StderrCursor
	var beat <-chan time.Time
	if quiet := request.Msg.HeartbeatMs; quiet > 0 {
		ticker := time.NewTicker(time.Duration(max(quiet, shortestBeatMs)) * time.Millisecond)
		defer ticker.Stop()
		beat = ticker.C
	}
	told := false
	for {
		changed := r.notice.wait()
		// Before the output: once the exit is known, so is where what the program itself wrote ends; and once it is over, all there is.
		exit, over := r.exited(), r.isOver()
		sent := false
		for more := true; more; sent = sent || more {
			first, err := r.stdout.send(&stdout, told, func(c *guestv1.Chunk) error {
				return stream.Send(&guestv1.FollowResponse{Event: &guestv1.FollowResponse_Stdout{Stdout: c}})
			})
			if err != nil {
				return err
			}
			second, err := r.stderr.send(&stderr, told, func(c *guestv1.Chunk) error {
				return stream.Send(&guestv1.FollowResponse{Event: &guestv1.FollowResponse_Stderr{Stderr: c}})
			})
			if err != nil {
				return err
			}
			more = first || second
		}
		if exit != nil && !told {
			if err := stream.Send(&guestv1.FollowResponse{Event: &guestv1.FollowResponse_Exit{Exit: exit}}); err != nil {
				return err
			}
			if !request.Msg.Rest {
				return nil
			}
			told = true
			continue
		}
		if told && over {
			return nil
		}
		if r.isReleased() {
			return connect.NewError(connect.CodeAborted, errors.New("the process was released"))
		}
		if sent {
			continue
		}
		select {
		case <-changed:
		case <-beat:
			heartbeat := &guestv1.FollowResponse_Heartbeat{Heartbeat: &guestv1.Heartbeat{}}
			if err := stream.Send(&guestv1.FollowResponse{Event: heartbeat}); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// send passes on one chunk at the cursor, if there is one, and moves the cursor: of all there is, or of what the program itself wrote.
func (l *outputLog) send(cursor *uint64, all bool, emit func(*guestv1.Chunk) error) (bool, error) {
	data, err := l.next(*cursor, all)
	if err != nil {
		return false, connect.NewError(connect.CodeOutOfRange, fmt.Errorf("%w: %d", err, *cursor))
	}
	if len(data) == 0 {
		return false, nil
	}
	if err := emit(&guestv1.Chunk{Offset: *cursor, Data: data}); err != nil {
		return false, err
	}
	*cursor += uint64(len(data))
	return true, nil
}
