def on_message(data, context):
    print(context.event_id)
