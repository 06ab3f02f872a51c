"""The door of time: what is due, and one loop that looks. APScheduler is only the ticker; what is due is rows."""
