// notice.go owns one-to-many wake-ups; it never carries data.

package process

import "sync"

type notice struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait returns a channel that closes at the next wake. Take it before looking at the state it announces.
func (n *notice) wait() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

func (n *notice) wake() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
}
