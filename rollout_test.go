package trimtab

import (
	"testing"
	"time"
)

func TestNextLook(t *testing.T) {
	const hour = Time(3600 * 1000)
	day := Duration(24 * time.Hour)
	r := Rollout{State: RolloutShadow, Since: 1000 * hour, Spec: RolloutSpec{Shadow: &ShadowSpec{For: day}, Canary: &CanarySpec{Steps: []float64{0.1}, Each: day}, Bake: 2 * day}}
	for _, c := range []struct {
		name  string
		state RolloutState
		look  Duration
		maxim Duration
		t     Time
		want  Time
	}{
		{"a tenth of the stage", RolloutShadow, 0, 0, 1000 * hour, 1000*hour + 24*hour/10},
		{"before the stage", RolloutShadow, 0, 0, 900 * hour, 1000*hour + 24*hour/10},
		{"between two looks", RolloutShadow, 0, 0, 1003 * hour, 1000*hour + 2*24*hour/10},
		{"at a look", RolloutShadow, Duration(6 * time.Hour), 0, 1006 * hour, 1012 * hour},
		{"the end comes between two looks", RolloutShadow, Duration(9 * time.Hour), 0, 1020 * hour, 1024 * hour},
		{"after the end it goes on", RolloutShadow, Duration(9 * time.Hour), 0, 1024 * hour, 1027 * hour},
		{"the latest end too", RolloutShadow, Duration(9 * time.Hour), Duration(30 * time.Hour), 1027 * hour, 1030 * hour},
		{"a look longer than the stage", RolloutShadow, Duration(100 * time.Hour), 0, 1000 * hour, 1024 * hour},
		{"bake", RolloutBaking, Duration(100 * time.Hour), 0, 1000 * hour, 1048 * hour},
		{"held in the shadow", RolloutHeld, Duration(6 * time.Hour), 0, 1030 * hour, 1036 * hour},
		{"no stage", RolloutPromoting, 0, 0, 1000 * hour, 0},
		{"ended", RolloutPromoted, 0, 0, 1000 * hour, 0},
	} {
		r := r
		r.State, r.Spec.Look, r.Spec.MaxFor = c.state, c.look, c.maxim
		if got := r.NextLook(c.t); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestRolloutNames(t *testing.T) {
	r := Rollout{ID: RolloutID("new.york", 12)}
	if r.Ordinal() != 12 || RolloutEndpoint(r.ID) != "new.york" {
		t.Errorf("%s is number %d of %s", r.ID, r.Ordinal(), RolloutEndpoint(r.ID))
	}
	for _, id := range []string{"", "x", "x.", "x.y"} {
		if n := (Rollout{ID: id}).Ordinal(); n != 0 {
			t.Errorf("%q is number %d", id, n)
		}
	}
	if RolloutEndpoint("x") != "" {
		t.Error("x names an endpoint")
	}
}

// TestRolloutDefaults leaves what is declared alone, and the declared spec itself too.
func TestRolloutDefaults(t *testing.T) {
	declared := RolloutSpec{Shadow: &ShadowSpec{For: 1}, Canary: &CanarySpec{Steps: []float64{0.5}, Each: 1, MinRows: 7}, Limits: RolloutLimits{Loss: 0.5}}
	full := declared.WithDefaults()
	if full.Shadow.MinRows != 500 || full.Canary.MinRows != 7 || full.Limits.Loss != 0.5 || full.Limits.ScoreShift != 0.2 || full.Confidence != 0.95 || full.OnInconclusive != "hold" {
		t.Errorf("%+v", full)
	}
	full.Canary.Steps[0] = 1
	if declared.Shadow.MinRows != 0 || declared.Canary.Steps[0] != 0.5 {
		t.Error("the declared spec was changed")
	}
}

func TestRetainedVersions(t *testing.T) {
	rollouts := []Rollout{ // the newest first
		{To: 5, From: 3, State: RolloutRolledBack},
		{To: 3, From: 2, State: RolloutPromoted},
		{To: 4, From: 2, State: RolloutSuperseded},
		{To: 2, From: 1, State: RolloutPromoted},
		{To: 1, From: 0, State: RolloutPromoted},
	}
	got := RetainedVersions(rollouts, 3, 8)
	if len(got) != 2 || got[0] != 2 || got[1] != 1 {
		t.Errorf("retained %v", got)
	}
	if got := RetainedVersions(rollouts, 3, 1); len(got) != 1 || got[0] != 1 {
		t.Errorf("the first that served is not kept: %v", got)
	}
	if v := ServedVersion(rollouts, 9); v != 9 {
		t.Errorf("served %d", v)
	}
	rollouts[0].State = RolloutCanary
	if v := ServedVersion(rollouts, 9); v != 3 {
		t.Errorf("served %d", v)
	}
}
