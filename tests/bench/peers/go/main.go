// SPDX-License-Identifier: Apache-2.0

// The gateway's two reads as a Go programmer would write them: net/http, database/sql and
// mattn/go-sqlite3 on the gateway's own database, read-only, with prepared statements.
package main

import (
	"database/sql"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

type payload struct {
	Temperature float64  `json:"temperature"`
	Humidity    *float64 `json:"humidity,omitempty"`
	SensorID    string   `json:"sensor_id"`
	Timestamp   string   `json:"timestamp"`
	Seq         *int64   `json:"seq,omitempty"`
}

type record struct {
	Topic      string  `json:"topic"`
	Payload    payload `json:"payload"`
	Timestamp  string  `json:"timestamp"`
	ReceivedAt string  `json:"received_at"`
	ID         int64   `json:"id"`
	Device     string  `json:"device"`
	Schema     string  `json:"schema"`
	Retained   bool    `json:"retained"`
}

type answer struct {
	Data       []record `json:"data"`
	NextCursor *string  `json:"next_cursor"`
}

type server struct{ latest, newest *sql.Stmt }

func rfc3339(ns int64) string { return time.Unix(0, ns).UTC().Format(time.RFC3339Nano) }

func scan(rows *sql.Rows, expected int) ([]record, error) {
	defer rows.Close()
	records := make([]record, 0, expected)
	for rows.Next() {
		r := record{Schema: "temperature_sensor"}
		var at, delay, flags int64
		if err := rows.Scan(&r.ID, &r.Topic, &r.Device, &at, &delay, &flags, &r.Payload.Temperature,
			&r.Payload.Humidity, &r.Payload.SensorID, &r.Payload.Seq); err != nil {
			return nil, err
		}
		r.Timestamp = rfc3339(at)
		r.Payload.Timestamp = r.Timestamp
		r.ReceivedAt = rfc3339(at + delay)
		r.Retained = flags&4 != 0
		records = append(records, r)
	}
	return records, rows.Err()
}

func send(w http.ResponseWriter, records []record, err error) {
	var body []byte
	if err == nil {
		body, err = json.Marshal(answer{Data: records})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
}

func (s *server) handleLatest(w http.ResponseWriter, r *http.Request) {
	rows, err := s.latest.QueryContext(r.Context(), r.URL.Query().Get("topic"))
	if err != nil {
		send(w, nil, err)
		return
	}
	records, err := scan(rows, 1)
	send(w, records, err)
}

func (s *server) handleData(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 || limit > 10000 {
		http.Error(w, "limit: 1 to 10000", http.StatusBadRequest)
		return
	}
	rows, err := s.newest.QueryContext(r.Context(), limit)
	if err != nil {
		send(w, nil, err)
		return
	}
	records, err := scan(rows, limit)
	send(w, records, err)
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: peer PORT DATABASE TABLE")
	}
	db, err := sql.Open("sqlite3", "file:"+os.Args[2]+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		log.Fatal(err)
	}
	db.SetMaxOpenConns(4)
	db.SetMaxIdleConns(4)
	const columns = `SELECT m.id, t.topic, t.device, m.time, m.delay, m.flags, m.temperature, m.humidity,
		m.sensor_id, m.seq FROM `
	table := `"` + os.Args[3] + `"`
	var s server
	if s.latest, err = db.Prepare(columns + `topics t JOIN latest l ON l.topic_id = t.id JOIN ` + table +
		` m ON m.id = l.id WHERE t.topic = ?`); err != nil {
		log.Fatal(err)
	}
	if s.newest, err = db.Prepare(columns + table +
		` m JOIN topics t ON t.id = m.topic_id ORDER BY m.id DESC LIMIT ?`); err != nil {
		log.Fatal(err)
	}
	http.HandleFunc("GET /latest", s.handleLatest)
	http.HandleFunc("GET /data", s.handleData)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
