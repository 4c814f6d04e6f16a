package serve

import (
	"reflect"
	"strconv"

	"github.com/trimtab/trimtab"
)

// What a version of an endpoint is to a request, as it is logged and told. Without
// a rollout it is nothing.
const (
	Stable = "stable" // what answers what the rollout does not give away
	Canary = "canary" // the version that the rollout brings
	Pinned = "pinned" // asked for by number: not chosen by the rollout
)

// served is the routing table of an endpoint: immutable, so that a request is
// answered to its end by what it began with.
type served struct {
	standing
	model  *Model // answers what the candidate does not
	meters *meters
	since  trimtab.Time // when the model began to answer

	candidate       *Model // the version that a rollout brings, nil without one or when it cannot be loaded
	candidateMeters *meters
	parts           int  // of Buckets, that the candidate answers
	alike           bool // the candidate takes the same inputs, so that a request is decoded once

	fallback       *Model // what answered before, while that may come back
	fallbackMeters *meters

	// Values of the answer's headers: for the model, the candidate, and requests that both have answered.
	versions, variants [3][]string
	variant            string  // of what the model answers
	propensity         float64 // with which the model was chosen, and that of the candidate
	candidacy          float64
}

const (
	byModel = iota
	byCandidate
	byBoth
)

// headed completes a table with what is told of it.
func (t *served) headed() *served {
	t.propensity = 1
	t.versions[byModel] = []string{versionText(t.model.Version)}
	if t.open() {
		t.variant = Stable
		t.variants[byModel] = []string{Stable}
	}
	if t.candidate != nil {
		t.candidacy = float64(t.parts) / Buckets
		t.propensity = float64(Buckets-t.parts) / Buckets
		if t.propensity == 0 {
			t.propensity = 1 // of what is asked for by number
		}
		v := versionText(t.candidate.Version)
		t.versions[byCandidate], t.variants[byCandidate] = []string{v}, []string{Canary}
		t.versions[byBoth], t.variants[byBoth] = []string{t.versions[byModel][0] + ", " + v}, []string{Stable + ", " + Canary}
	}
	return t
}

// abandoned is the table after the rollout has been stopped: what answered before answers everything.
func (t *served) abandoned() *served {
	out := &served{standing: t.standing, model: t.model, meters: t.meters, since: t.since}
	if t.fallback != nil {
		out.model, out.meters, out.stable = t.fallback, t.fallbackMeters, t.fallback.Version
	}
	out.next, out.spare, out.share = 0, 0, 0
	return out.headed()
}

// same reports whether two tables answer alike.
func (t *served) same(u *served) bool {
	return t.standing == u.standing && t.model == u.model && t.candidate == u.candidate && t.parts == u.parts && t.fallback == u.fallback
}

// sameInputs reports whether a request that was decoded for a is one for b.
func sameInputs(a, b *Model) bool {
	if a.inputs == nil || b.inputs == nil {
		return a.inputs == nil && b.inputs == nil && reflect.DeepEqual(a.Signature, b.Signature) && reflect.DeepEqual(a.Inputs(), b.Inputs())
	}
	return reflect.DeepEqual(a.Signature.Inputs, b.Signature.Inputs)
}

// sameAnswer reports what keeps one request from being answered by both versions: the shape of what they answer.
func sameAnswer(a, b *Model) error {
	if a.width == b.width && a.flat == b.flat && a.labels == b.labels {
		return nil
	}
	shape := func(m *Model) string {
		switch {
		case m.labels:
			return "class labels"
		case m.flat:
			return "one number a row"
		}
		return strconv.Itoa(m.width) + " numbers a row"
	}
	return trimtab.Errorf(trimtab.Unsupported, "model version", "it answers with %s, version %d with %s: a share of requests cannot go to it", shape(b), a.Version, shape(a))
}

func versionText(v trimtab.Version) string { return strconv.FormatInt(int64(v), 10) }
