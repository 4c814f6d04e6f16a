package profile

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/trimtab/trimtab/pure/table"
)

// days makes rows of successive days. Days differ: a level shared by the rows of a day, half of which lasts to the
// next, a mix of categories, and a share of missing values of their own.
func days(r *rand.Rand, n, rows int, shift float64) []*table.Table {
	var out []*table.Table
	level := 0.0
	for range n {
		level = level/2 + r.NormFloat64()*0.25
		x, kind, gaps := table.NewColumn("x", table.Float64, rows), table.NewColumn("kind", table.String, rows), table.NewColumn("gaps", table.Float64, rows)
		tilt, missing := r.Float64(), r.Float64()*0.1
		for range rows {
			x.AppendFloat64(level + shift + r.NormFloat64())
			if r.Float64() < 0.3+0.2*tilt {
				kind.AppendString("a")
			} else {
				kind.AppendString(fmt.Sprint("b", r.IntN(4)))
			}
			if r.Float64() < missing {
				gaps.AppendNull()
			} else {
				gaps.AppendFloat64(r.Float64())
			}
		}
		t, err := table.New(x, kind, gaps)
		if err != nil {
			panic(err)
		}
		out = append(out, t)
	}
	return out
}

// TestBlocks: on a stream whose days differ, rows are not independent, and a comparison that takes them to be alarms in
// most weeks. With the days of the reference as blocks it hardly does, and still finds what is large.
func TestBlocks(t *testing.T) {
	const streams, weeks = 12, 6
	var alarms, plain, found, all, shifted int
	for s := range streams {
		r := rand.New(rand.NewPCG(uint64(s), 11))
		b := NewBuilder(Options{})
		past := days(r, 56, 200, 0)
		for _, d := range past {
			if err := b.Add(d); err != nil {
				t.Fatal(err)
			}
		}
		p, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		counter := p.NewBlocks()
		for i, d := range past {
			if err := counter.Add(int64(i), d); err != nil {
				t.Fatal(err)
			}
		}
		blocks := counter.Finish()
		week := func(shift float64) *Counts {
			k := p.NewCounts()
			for _, d := range days(r, 7, 200, shift) {
				if err := p.CountInto(k, d); err != nil {
					t.Fatal(err)
				}
			}
			return k
		}
		compare := func(k *Counts, blocks *Blocks) *Report {
			rep, err := Compare(p, nil, k, CompareOptions{Blocks: blocks.Counts, Alone: blocks.Alone})
			if err != nil {
				t.Fatal(err)
			}
			return rep
		}
		for range weeks {
			k := week(0)
			all += 3
			plain += compare(k, &Blocks{}).Drifted
			rep := compare(k, blocks)
			alarms += rep.Drifted
			for _, d := range rep.Columns {
				if d.Column == "x" && d.Dispersion < 1.5 {
					t.Errorf("stream %d: dispersion %v of days that differ", s, d.Dispersion)
				}
			}
		}
		shifted++
		for _, d := range compare(week(1), blocks).Columns {
			if d.Column == "x" && d.State == Drifted {
				found++
			}
		}
	}
	t.Logf("false alarms of %d: %d with blocks, %d without; found %d of %d", all, alarms, plain, found, shifted)
	if alarms*100 > all || plain*4 < all || found < shifted*9/10 {
		t.Errorf("false alarms of %d: %d with blocks, %d without; found %d of %d", all, alarms, plain, found, shifted)
	}
}

// TestBlocksOfIndependentRows: blocks that are like the whole change little.
func TestBlocksOfIndependentRows(t *testing.T) {
	tab := made(40_000)
	p := build(t, tab.Slice(0, 30_000))
	counter := p.NewBlocks()
	for lo := 0; lo < 30_000; lo += 1000 {
		if err := counter.Add(int64(lo), tab.Slice(lo, lo+1000)); err != nil {
			t.Fatal(err)
		}
	}
	blocks := counter.Finish()
	k, err := p.Count(tab.Slice(30_000, 40_000))
	if err != nil {
		t.Fatal(err)
	}
	rep, err := Compare(p, nil, k, CompareOptions{Blocks: blocks.Counts, Alone: blocks.Alone})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range rep.Columns {
		if d.State != OK || d.Dispersion > 1.6 {
			t.Errorf("%+v", d)
		}
	}
}

func TestSeasonal(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	level := func(week int) float64 { return 1.5 * float64(week%4) } // a season of four weeks
	count := func(p *Profile, week int) *Counts {
		k := p.NewCounts()
		for _, d := range days(r, 1, 2000, level(week)) {
			if err := p.CountInto(k, d); err != nil {
				t.Fatal(err)
			}
		}
		return k
	}
	p := build(t, days(r, 1, 8000, 0)[0])
	var history []*Counts
	for week := range 7 {
		history = append(history, count(p, week))
	}
	history[2] = nil
	base, err := Seasonal(history, 4, 0)
	if err != nil || base == nil || base.Rows != 2000 {
		t.Fatalf("%+v %v", base, err)
	}
	if none, err := Seasonal(history[:3], 4, 0); none != nil || err != nil {
		t.Errorf("a season before there was one: %v %v", none, err)
	}
	if _, err := Seasonal(history, 2, 1); err == nil {
		t.Error("a season as wide as its period")
	}
	now := count(p, 7)
	plain, err := Compare(p, nil, now, CompareOptions{Columns: []string{"x"}})
	if err != nil {
		t.Fatal(err)
	}
	seasonal, err := Compare(p, base, now, CompareOptions{Columns: []string{"x"}, EffectPSI: 0.2, EffectShare: 0.3, EffectSpecial: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	rep := InSeason(plain, seasonal)
	if plain.State != Drifted || rep.State != Suspect || rep.Suspect != 1 || rep.Drifted != 0 || plain.Columns[0].State != Drifted {
		t.Errorf("%s, in season %s: %+v", plain.State, rep.State, seasonal.Columns)
	}
}

// TestAlone: a value that lasts for an hour is seen many times and never again. Hours to come bring their own, which is
// no news once the blocks tell.
func TestAlone(t *testing.T) {
	var alarms, plain, found int
	for s := range 20 {
		r := rand.New(rand.NewPCG(uint64(s), 3))
		day := func(extra float64) *table.Table {
			x, kind := table.NewColumn("x", table.Float64, 0), table.NewColumn("kind", table.String, 0)
			for range 8 {
				v, k := float64(r.IntN(200))/100, fmt.Sprint("k", r.IntN(2000))
				for range 25 {
					x.AppendFloat64(v + extra)
					kind.AppendString(k)
				}
			}
			tab, err := table.New(x, kind)
			if err != nil {
				t.Fatal(err)
			}
			return tab
		}
		b := NewBuilder(Options{})
		var past []*table.Table
		for range 56 {
			past = append(past, day(0))
			if err := b.Add(past[len(past)-1]); err != nil {
				t.Fatal(err)
			}
		}
		p, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		counter := p.NewBlocks()
		for i, d := range past {
			if err := counter.Add(int64(i), d); err != nil {
				t.Fatal(err)
			}
		}
		blocks := counter.Finish()
		for _, extra := range []float64{0, 0.005} { // 0.005 makes each number one that was never seen
			k := p.NewCounts()
			for range 7 {
				if err := p.CountInto(k, day(extra)); err != nil {
					t.Fatal(err)
				}
			}
			for _, alone := range [][]Alone{nil, blocks.Alone} {
				rep, err := Compare(p, nil, k, CompareOptions{Blocks: blocks.Counts, Alone: alone})
				if err != nil {
					t.Fatal(err)
				}
				switch {
				case alone == nil && extra == 0:
					plain += rep.Drifted
				case extra == 0:
					alarms += rep.Drifted
				case alone != nil && rep.Columns[0].State != OK:
					found++
				}
			}
		}
	}
	if alarms > 0 || plain < 20 || found < 10 {
		t.Errorf("false alarms of 40: %d, %d without what the blocks tell; found %d of 20", alarms, plain, found)
	}
}
