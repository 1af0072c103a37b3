import functions_framework


@functions_framework.cloud_event
def resize(cloud_event):
    print(cloud_event["id"])
