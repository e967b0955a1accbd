select core.shareable('agent', 'monitoring.agent');
