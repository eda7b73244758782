update queue_pause set paused_at = now();
